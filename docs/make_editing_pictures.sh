#!/bin/sh
# Makes the pictures of docs/editing.md from the models that ship, or from other runs of their recipes, and a run on faces.
# From the repository's folder: docs/make_editing_pictures.sh glow-mnist glow-mnist-classes glow-fashion-mnist runs/glow-olivetti
set -eu
run=$1 classes=$2 fashion=$3 faces=$4 made=$(mktemp -d)
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
diffeo edit class "$classes" --images 3,4,36,50,58 --out "$made/edit-class.png"
diffeo edit direction "$fashion" --attribute brightness --method probe --rows 2000 --out "$made/brightness.safetensors"
diffeo edit sweep "$fashion" --images 0,1,2,6,8 --direction "$made/brightness.safetensors" \
  --out "$made/edit-fashion-brightness.png"
diffeo edit class "$fashion" --images 1,2,6 --hold brightness --out "$made/edit-fashion-class.png"
diffeo edit direction "$faces" --attribute lighting --method probe --out "$made/lighting.safetensors"
diffeo edit sweep "$faces" --images 0,12,31,45 --direction "$made/lighting.safetensors" --out "$made/edit-lighting.png"
diffeo edit direction "$faces" --class 12 --out "$made/person.safetensors"
diffeo edit sweep "$faces" --images 0,12,31,45 --direction "$made/person.safetensors" --reach 0.75 --steps 7 \
  --out "$made/edit-person.png"
mv "$made"/edit-* docs/pictures/
