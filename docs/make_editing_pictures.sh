#!/bin/sh
# Makes the pictures of docs/editing.md from two runs on MNIST: one plain, one trained with --conditional.
# From the repository's folder: docs/make_editing_pictures.sh runs/glow-mnist runs/glow-mnist-classes
set -eu
run=$1 classes=$2 made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

diffeo edit interpolate "$run" --from 3,18,7 --to 17,1,4 --out "$made/edit-interpolation.png"
diffeo edit interpolate "$run" --from 3,18,7,11 --to 17,1,4,2 --steps 16 --out "$made/edit-interpolation.gif"
diffeo edit temperature "$run" -n 6 --out "$made/edit-temperature.png"
diffeo edit levels "$run" --images 3,17,18 --out "$made/edit-levels.png"
diffeo edit reconstruct "$run" --images 3,17,18,1 --out "$made/edit-reconstruction.png"
diffeo edit mix "$run" --images 3,18 --with 10,32 --out "$made/edit-mix.png"
diffeo edit neighbours "$run" --shown 5 --out "$made/edit-neighbours.png"
for attribute in thickness slant; do
  diffeo edit direction "$classes" --attribute $attribute --rows 2000 --out "$made/$attribute.safetensors"
  diffeo edit sweep "$classes" --images 3,17,18 --direction "$made/$attribute.safetensors" \
    --out "$made/edit-$attribute.png"
done
diffeo edit class "$classes" --images 3,17,18,4,11 --out "$made/edit-class.png"
mv "$made"/edit-* docs/pictures/
