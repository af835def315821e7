"""10주차 과제 (다) 실행: submission.py의 함수로 RealNVP를 학습하고, 제출할 파일을 모두 만듭니다.

Week 10, part (c), the run: trains RealNVP with the functions of submission.py, and makes the files to hand in.

    python run.py --id 20231234 --name 홍길동

만드는 파일(files):
    weights.safetensors, metrics.jsonl, report.json, loss.png, samples.png, temperature.png, interpolation.png
데이터: scikit-learn digits, 8×8 픽셀, 값 17개.  시드와 제거 실험은 학번에서 정해집니다.
Data: digits of scikit-learn, 8x8 pixels, 17 values.  Seed and ablation follow from the student id.
"""

import argparse
import copy
import json
import math
import sys
import time
import types
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from safetensors.torch import save_file

from diffeo.data import load
from diffeo.evaluation import baselines
from diffeo_course.handin.choice import ablation_of, seed_of
from diffeo_course.handin.reading import student_id
from diffeo_course.handin.source import decoded, definitions, of_notebook

MADE = ("weights.safetensors", "metrics.jsonl", "report.json")
FIGURES = ("loss.png", "samples.png", "temperature.png", "interpolation.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--id", required=True, help="학번 (student id)")
    parser.add_argument("--name", required=True, help="이름 (name)")
    parser.add_argument("--code", default="submission.py", help="함수가 든 파일 (the file with the functions)")
    parser.add_argument("--out", default=".", help="결과 폴더 (where the results go)")
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--data", default="digits", help="digits 또는(or) mnist")
    options = parser.parse_args()

    student = student_id(options.id)
    if not student:
        sys.exit(f"학번은 숫자 4~12개입니다 (a student id has 4 to 12 digits): {options.id!r}\n--id 20231234")
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    there = [name for name in (*MADE, *FIGURES) if (out / name).exists()]
    if there:
        sys.exit(
            f"이미 있습니다, 덮어쓰지 않습니다 (already there, not overwritten): {', '.join(there)}\n"
            "지우거나 옮긴 다음 다시 실행하십시오. 또는 (remove or move them and run again; or): --out result2"
        )
    seed, ablation = seed_of(student), ablation_of(student)
    code, data = read_code(Path(options.code)), load(options.data)
    try_out(code, data)
    print(f"seed: {seed}")

    model, metrics, bits = train(code, data, options.epochs, seed)
    print(f"ablation: {ablation}")
    _, _, without = train(code, data, options.epochs, seed, ablation=ablation)
    simple = {name: value.mean for name, value in baselines(data).items() if name in ("uniform", "histogram")}
    results = {"bits_per_dim": round(bits, 4), **{name: round(value, 4) for name, value in simple.items()}}
    report = {"id": student, "name": options.name, "values": data.values, "epochs": options.epochs, "seed": seed}
    report |= {**results, "ablation": {"name": ablation, "bits_per_dim": round(without, 4)}}

    save_file(model.state_dict(), out / "weights.safetensors")
    lines = "".join(json.dumps(record) + "\n" for record in metrics)
    (out / "metrics.jsonl").write_text(lines, encoding="utf-8")
    (out / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(f"\n| test, {data.values} values | bits/dim |\n| --- | ---: |")
    for name, value in {**simple, "RealNVP": bits, f"RealNVP, ablation: {ablation}": without}.items():
        print(f"| {name} | {value:.3f} |")
    draw(model, data, metrics, seed, out)


def read_code(path):
    """노트북에서는 함수, 클래스, 그것이 쓰는 값만.  Of a notebook only functions, classes and the values they use."""
    if not path.is_file():
        sys.exit(f"없는 파일 (no such file): {path}\n--code submission.py, --code submission.ipynb")
    text = decoded(path.read_bytes())
    if path.suffix == ".ipynb":
        text = definitions(of_notebook(text))
    code = types.ModuleType("submission")
    code.__file__ = str(path)
    exec(compile(text, str(path), "exec"), code.__dict__)
    return code


@torch.no_grad()
def try_out(code, data):
    """학습하기 전에 이미지 64장으로 앞뒤를 다녀옵니다.  There and back with 64 images, before any training."""
    model, x = code.RealNVP().eval(), data.train.x[:64]
    y = code.dequantize(x, data.values, torch.full(x.shape, 0.5))
    model.initialize(y)
    z, log_det = model(y)
    code.bits_per_dim(-code.loss(z, log_det)[None], data.values, x[0].numel())
    try:
        gap = float((model.inverse(z).reshape(y.shape) - y).abs().max())
    except NotImplementedError:
        print("아직 없습니다 (not written yet): RealNVP.inverse. 표본 그림을 그리지 못합니다 (no pictures of samples).")
        return
    if not gap < 1e-3:
        print(f"inverse(forward(y))와 y의 차이가 너무 큽니다 (inverse(forward(y)) is too far from y): {gap:.2g}")


def train(code, data, epochs, seed, *, ablation=None):
    """배치 64, 학습률 1e-3.  가중치는 검증 데이터에서 가장 좋았던 것.  Weights: the best on the validation part."""
    torch.manual_seed(seed)
    model = code.RealNVP(layers=2) if ablation == "layers" else code.RealNVP()
    if ablation == "masks":
        model.masks[:] = model.masks[0]  # 모든 층이 같은 픽셀을 남깁니다.  Every layer keeps the same pixels.
    x = data.train.x
    model.initialize(code.dequantize(x, data.values, torch.rand(x.shape)))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    validation = measure(code, model, data, data.validation)
    metrics, best, kept, started = [], validation, copy.deepcopy(model.state_dict()), time.perf_counter()
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for rows in torch.randperm(len(x)).split(64):
            noise = torch.full(x[rows].shape, 0.5) if ablation == "dequantization" else torch.rand(x[rows].shape)
            z, log_det = model(code.dequantize(x[rows], data.values, noise))
            nats = code.loss(z, log_det)
            optimizer.zero_grad()
            nats.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 50.0)
            optimizer.step()
            total += nats.item() * len(rows)
        average = float(code.bits_per_dim(torch.tensor([-total / len(x)]), data.values, x[0].numel()))
        validation = measure(code, model, data, data.validation)
        seconds = round(time.perf_counter() - started, 2)
        metrics.append({"epoch": epoch, "train": average, "validation": validation, "seconds": seconds})
        if validation < best:
            best, kept = validation, copy.deepcopy(model.state_dict())
        if epoch % 10 == 0:
            print(f"Epoch [{epoch}/{epochs}] train {average:.3f} validation {validation:.3f} bits/dim, {seconds:.0f} s")
    model.load_state_dict(kept)
    return model, metrics, measure(code, model, data, data.test)


@torch.no_grad()
def measure(code, model, data, part):
    """차원당 비트 수의 평균.  잡음은 늘 같은 시드입니다.  Mean bits/dim, always with the same noise."""
    model.eval()
    noise = torch.rand(part.x.shape, generator=torch.Generator().manual_seed(0))
    z, log_det = model(code.dequantize(part.x, data.values, noise))
    log_prob = log_det - 0.5 * (z.flatten(1).square() + math.log(2 * math.pi)).sum(1)
    return float(code.bits_per_dim(log_prob, data.values, part.x[0].numel()).mean())


@torch.no_grad()
def draw(model, data, metrics, seed, out):
    torch.manual_seed(seed)
    shape, dimensions = data.train.x.shape[2:], data.train.x[0].numel()

    def images(z):
        return model.inverse(z).reshape(-1, *shape).clamp(0, 1)

    epochs = [record["epoch"] for record in metrics]
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(epochs, [record["train"] for record in metrics], label="train")
    axes.plot(epochs, [record["validation"] for record in metrics], label="validation")
    axes.set(xlabel="epoch", ylabel=f"bits/dim ({data.values} values)")
    axes.legend()
    figure.savefig(out / "loss.png")

    grid(images(torch.randn(64, dimensions)), 8, 8, "Generated Images", out / "samples.png")
    z = torch.randn(8, dimensions)
    temperatures = [0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0]
    strip = torch.stack([images(t * z) for t in temperatures], 1).flatten(0, 1)  # 행마다 같은 z  (a z for each row)
    title = "T = " + ", ".join(f"{t:g}" for t in temperatures)
    grid(strip, 8, len(temperatures), title, out / "temperature.png")
    rows = torch.randperm(len(data.test.x))[:12]
    ends = model((data.test.x[rows] + 0.5) / data.values)[0].reshape(2, 6, dimensions)
    steps = torch.linspace(0, 1, 8)
    between = torch.stack([images(torch.lerp(ends[0], ends[1], float(step))) for step in steps], 1).flatten(0, 1)
    grid(between, 6, len(steps), "Interpolation", out / "interpolation.png")


def grid(images, rows, columns, title, path):
    images = torch.nn.functional.pad(images, (1, 1, 1, 1), value=0.5)  # 이미지 사이의 틈  (a gap between images)
    height, width = images.shape[1:]
    whole = images.reshape(rows, columns, height, width).transpose(1, 2).reshape(rows * height, columns * width)
    figure, axes = plt.subplots(figsize=(columns * 0.75, rows * 0.75 + 0.4), layout="constrained")
    axes.imshow(whole, cmap="gray", vmin=0, vmax=1)
    axes.set_axis_off()
    axes.set_title(title)
    figure.savefig(path)


if __name__ == "__main__":
    plt.switch_backend("agg")
    main()
