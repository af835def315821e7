"""Glow in one file, read from top to bottom (Kingma and Dhariwal, 2018).

    python glow.py                           손글씨 숫자 8x8, 내려받기 없음 (digits, no download)
    python glow.py --temperature 0.7         z에 온도를 곱함: 덜 다양하고 더 또렷함 (safer, less varied samples)
    python glow.py --data mnist --folder FOLDER_OF_THE_IDX_FILES
forward(x) -> (z, log_det): 데이터에서 잡음으로 (data to noise); log_det은 nat, 모양 (B,). inverse(z) -> x.
"""

# fmt: off
import argparse
import gzip
import math
import os
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

batch_size, learning_rate, num_epochs, ALPHA = 64, 0.001, 10, 1e-6  # ALPHA: 로짓이 유한하도록 두는 여백 (margin)

def load(name, folder):  # 정수 픽셀 (N, 1, H, W) 둘과 값의 개수 (training and test images, number of values)
    if name == "digits":
        from sklearn import datasets, model_selection
        digits = datasets.load_digits()  # 8x8, 값은 0..16: 17개
        parts = model_selection.train_test_split(digits.images, test_size=360, random_state=0, stratify=digits.target)
        return *(torch.tensor(part).byte()[:, None] for part in parts), 17
    files = [Path(folder, f"{part}-images-idx3-ubyte.gz") for part in ("train", "t10k")]
    if missing := [file.name for file in files if not file.exists()]:
        raise SystemExit(f"no {' and no '.join(missing)} in {folder}. Name the folder that has them: --folder DIR")
    raw = [bytearray(gzip.decompress(file.read_bytes())[16:]) for file in files]  # IDX: 머리말 16바이트
    return *(torch.frombuffer(part, dtype=torch.uint8).view(-1, 1, 28, 28) for part in raw), 256

def dequantize(images, values):  # 역양자화: 정수 k를 칸 [k, k + 1) / values 안에 고르게 흩음
    return (images + torch.rand(images.shape)) / values

class Preprocess(nn.Module):  # (0, 1) -> 실수: 로짓, 픽셀별 표준화. 그 로그 행렬식도 셈 (its log-det counts)
    def __init__(self, y):
        super().__init__()
        x = torch.logit(ALPHA + (1 - 2 * ALPHA) * y)
        self.mean, self.std = nn.Buffer(x.mean(0)), nn.Buffer(x.std(0))
    def forward(self, y):
        p = ALPHA + (1 - 2 * ALPHA) * y
        log_det = math.log(1 - 2 * ALPHA) - p.log() - (1 - p).log() - self.std.log()
        return (torch.logit(p) - self.mean) / self.std, log_det.flatten(1).sum(dim=1)
    def inverse(self, x):
        return (torch.sigmoid(x * self.std + self.mean) - ALPHA) / (1 - 2 * ALPHA)

class ActNorm(nn.Module):  # 활성값 정규화: 첫 배치로 한 번 정하고, 그 뒤에는 보통 매개변수 (set once, then learned)
    def __init__(self, channels):
        super().__init__()
        self.bias, self.log_scale = (nn.Parameter(torch.zeros(channels, 1, 1)) for _ in range(2))
        self.initialized = nn.Buffer(torch.tensor(False))
    def forward(self, x):
        if not self.initialized:
            self.bias.data, self.log_scale.data = (
                part.detach()[:, None, None] for part in (-x.mean((0, 2, 3)), -x.std((0, 2, 3)).log()))
            self.initialized.fill_(True)
        log_det = x[0, 0].numel() * self.log_scale.sum()  # H W sum(s)
        return (x + self.bias) * torch.exp(self.log_scale), log_det
    def inverse(self, z):
        return z * torch.exp(-self.log_scale) - self.bias

class InvertibleConv1x1(nn.Module):  # 가역 1x1 합성곱: 고정된 채널 순서 대신 (for a fixed permutation); W = P L U
    def __init__(self, channels):
        super().__init__()
        p, lower, upper = torch.linalg.lu(torch.linalg.qr(torch.randn(channels, channels))[0])  # 회전에서 시작
        self.p, self.sign = nn.Buffer(p), nn.Buffer(upper.diagonal().sign())
        self.lower, self.upper = nn.Parameter(lower.tril(-1)), nn.Parameter(upper.triu(1))
        self.log_diagonal = nn.Parameter(upper.diagonal().abs().log())

    def weight(self):
        lower = self.lower.tril(-1) + torch.eye(len(self.p))
        return self.p @ lower @ (self.upper.triu(1) + torch.diag(self.sign * self.log_diagonal.exp()))
    def forward(self, x):
        log_det = x[0, 0].numel() * self.log_diagonal.sum()  # H W log|det W|, 비용 O(C)
        return F.conv2d(x, self.weight()[:, :, None, None]), log_det
    def inverse(self, z):
        return F.conv2d(z, self.weight().inverse()[:, :, None, None])

class AffineCoupling(nn.Module):  # 아핀 결합층: RealNVP와 같음 (as RealNVP's)
    def __init__(self, channels, width):
        super().__init__()
        self.first, self.second = nn.Conv2d(channels // 2, width, 3, padding=1), nn.Conv2d(width, width, 1)
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        nn.init.zeros_(self.last.weight), nn.init.zeros_(self.last.bias)  # 처음에는 항등 변환 (starts as the identity)

    def scale_and_shift(self, kept):
        raw, t = self.last(F.relu(self.second(F.relu(self.first(kept))))).chunk(2, dim=1)
        return 2 * torch.tanh(raw / 2), t  # 로그 스케일은 (-2, 2)
    def forward(self, x):
        kept, changed = x.chunk(2, dim=1)
        s, t = self.scale_and_shift(kept)
        return torch.cat([kept, changed * torch.exp(s) + t], dim=1), s.flatten(1).sum(dim=1)
    def inverse(self, z):
        kept, changed = z.chunk(2, dim=1)
        s, t = self.scale_and_shift(kept)
        return torch.cat([kept, (changed - t) * torch.exp(-s)], dim=1)

class Flow(nn.ModuleList):  # 층을 차례로; 로그 행렬식은 더함 (log-determinants add up)
    def forward(self, x):
        log_det_jacobian = 0
        for layer in self:
            x, log_det = layer(x)
            log_det_jacobian = log_det_jacobian + log_det
        return x, log_det_jacobian
    def inverse(self, y):
        for layer in reversed(self):
            y = layer.inverse(y)
        return y

class Level(nn.Module):  # 다중 스케일의 한 단계: 스퀴즈, K번의 (ActNorm, 1x1, 결합층), 분리 출력(split)
    def __init__(self, c, h, w, levels=2, steps=8, width=48):
        super().__init__()
        self.shape = c, h, w = 4 * c, h // 2, w // 2
        self.steps = Flow(
            [f for _ in range(steps) for f in (ActNorm(c), InvertibleConv1x1(c), AffineCoupling(c, width))])
        self.rest = Level(c // 2, h, w, levels - 1, steps, width) if levels > 1 else None
        if levels > 1:
            self.prior = nn.Conv2d(c // 2, c, 3, padding=1)
            nn.init.zeros_(self.prior.weight), nn.init.zeros_(self.prior.bias)

    def sigma_and_mean(self, goes_on):  # 학습된 사전 분포: 나가는 절반의 N(mean, sigma), 남는 절반으로 (learned prior)
        raw, mean = self.prior(goes_on).chunk(2, dim=1)
        return 4 * torch.tanh(raw / 4), mean
    def forward(self, x):
        x, log_det_jacobian = self.steps(F.pixel_unshuffle(x, 2))
        if self.rest is None:
            return x.flatten(1), log_det_jacobian
        goes_on, leaves = x.chunk(2, dim=1)
        log_sigma, mean = self.sigma_and_mean(goes_on)
        z, log_det = self.rest(goes_on)
        z = torch.cat([z, ((leaves - mean) * torch.exp(-log_sigma)).flatten(1)], dim=1)
        return z, log_det_jacobian + log_det - log_sigma.flatten(1).sum(dim=1)
    def inverse(self, z):
        x = z.reshape(-1, *self.shape)
        if self.rest is not None:
            z, leaves = z.chunk(2, dim=1)
            goes_on = self.rest.inverse(z)
            log_sigma, mean = self.sigma_and_mean(goes_on)
            x = torch.cat([goes_on, leaves.reshape(mean.shape) * torch.exp(log_sigma) + mean], dim=1)
        return F.pixel_shuffle(self.steps.inverse(x), 2)

def loss(model, y):  # 이미지마다 음의 로그 우도, nat: -log N(z; 0, I) - log|det|
    z, log_det_jacobian = model(y)
    return (0.5 * z.square() + 0.5 * math.log(2 * math.pi)).flatten(1).sum(dim=1) - log_det_jacobian

def train(model, images, values, epochs=num_epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    for epoch in range(epochs):
        batches = torch.randperm(len(images)).split(batch_size)
        for i, rows in enumerate(batches):
            optimizer.zero_grad()
            mean = loss(model, dequantize(images[rows], values)).mean()
            mean.backward()
            optimizer.step()
            if i % 100 == 0:
                print(f"Epoch [{epoch}/{epochs}] Batch {i}/{len(batches)} Loss: {mean.item():.1f}")

@torch.no_grad()
def generate(model, like, values, temperature=1.0):  # 표본 64개를 8x8 격자로 (64 samples as one picture)
    z = temperature * torch.randn_like(model(dequantize(like[:64], values))[0])
    pixels = (model.inverse(z) * values).floor().clamp(0, values - 1).reshape(8, 8, *like.shape[2:])
    return pixels.permute(0, 2, 1, 3).flatten(0, 1).flatten(1)  # (8H, 8W)

@torch.no_grad()
def bits_per_dim(model, images, values):  # 평균과 표준 오차 (mean, standard error); log2(values): 칸의 크기
    nats = torch.cat([loss(model, dequantize(part, values)) for part in images.split(500)])
    bits = nats / (images[0].numel() * math.log(2)) + math.log2(values)
    return bits.mean().item(), bits.std().item() / math.sqrt(len(bits))

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=["digits", "mnist"], default="digits")
    parser.add_argument("--folder", default=Path(os.environ.get("DIFFEO_DATA", "."), "mnist"))
    for name, default in (("seed", 0), ("epochs", num_epochs), ("temperature", 1.0)):
        parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.add_argument("--out", type=Path, default="glow", help="a new folder: generated.png, weights.safetensors")
    options = parser.parse_args()
    if options.out.exists():
        parser.error(f"{options.out} is there already. Name a new folder: --out FOLDER")
    torch.manual_seed(options.seed)
    images, test, values = load(options.data, options.folder)
    y = dequantize(images[:10000], values)
    model = Flow([Preprocess(y), Level(*y.shape[1:])])
    train(model, images, values, options.epochs)
    options.out.mkdir(parents=True)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, options.out / "weights.safetensors")
    plt.imshow(generate(model, test, values, options.temperature), cmap="gray", vmin=0, vmax=values - 1)
    plt.title("Generated Images")
    plt.savefig(options.out / "generated.png")
    counts = torch.stack([pixel.bincount(minlength=values) for pixel in images.flatten(1).T.int()], dim=1) + 0.1
    histogram = -(counts / counts.sum(0)).log2().gather(0, test.flatten(1).long()).mean()
    print(f"bits/dim: uniform {math.log2(values):.3f}, histogram {histogram:.3f}", end=", ")
    print("Glow {:.3f} ± {:.3f}".format(*bits_per_dim(model, test, values)))
