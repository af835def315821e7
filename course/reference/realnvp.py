"""RealNVP in one file, read from top to bottom (Dinh, Sohl-Dickstein and Bengio, 2017).

    python realnvp.py                        강의 계획의 모델, 오류만 고침: [fix] (the plan's model, its bugs corrected)
    python realnvp.py --model paper          체커보드, 스퀴즈, 채널 마스크, 분리 출력 (small, after the paper)
    python realnvp.py --data mnist --folder FOLDER_OF_THE_IDX_FILES
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

def dequantize(images, values):  # [fix] 역양자화: 정수 k를 칸 [k, k + 1) / values 안에 고르게 흩음
    return (images + torch.rand(images.shape)) / values

class Preprocess(nn.Module):  # (0, 1) -> 실수: 로짓, 표준화. [fix] 그 로그 행렬식도 셈 (its log-det counts)
    def __init__(self, y):
        super().__init__()
        x = torch.logit(ALPHA + (1 - 2 * ALPHA) * y)
        self.mean, self.std = nn.Buffer(x.mean(0)), nn.Buffer(x.std(0))

    def forward(self, y):
        p = ALPHA + (1 - 2 * ALPHA) * y.reshape(-1, *self.mean.shape)
        log_det = math.log(1 - 2 * ALPHA) - p.log() - (1 - p).log() - self.std.log()
        return (torch.logit(p) - self.mean) / self.std, log_det.flatten(1).sum(dim=1)

    def inverse(self, x):
        return (torch.sigmoid(x * self.std + self.mean) - ALPHA) / (1 - 2 * ALPHA)

class AffineCouplingLayer(nn.Module):  # --model listing
    def __init__(self, input_dim, hidden_dim, swap):
        super().__init__()
        self.order = -1 if swap else 1  # [fix] 두 절반이 번갈아 변환됨 (the halves alternate)
        half = input_dim // 2
        self.scale_net = nn.Sequential(nn.Linear(half, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, half), nn.Tanh())
        self.translation_net = nn.Sequential(nn.Linear(half, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, half))

    def forward(self, x):
        x1, x2 = x.chunk(2, dim=1)[:: self.order]
        s = self.scale_net(x1)
        t = self.translation_net(x1)
        y1 = x1
        y2 = x2 * torch.exp(s) + t
        return torch.cat([y1, y2][:: self.order], dim=1), s.sum(dim=1)  # [fix] 이미지마다 하나 (one per image)

    def inverse(self, y):
        y1, y2 = y.chunk(2, dim=1)[:: self.order]
        s = self.scale_net(y1)
        t = self.translation_net(y1)
        x1 = y1
        x2 = (y2 - t) * torch.exp(-s)
        return torch.cat([x1, x2][:: self.order], dim=1)

class RealNVP(nn.ModuleList):  # 층을 차례로; 로그 행렬식은 더함 (log-determinants add up)
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

class MaskedCoupling(nn.Module):  # --model paper: 마스크가 1인 곳은 그대로 (kept where the mask is 1)
    def __init__(self, mask, channels, width, patch):
        super().__init__()
        self.mask = nn.Buffer(mask)
        self.patch, c = patch, channels * patch**2  # 2: 조건 신경망(conditioner)이 2x2 픽셀을 한 자리로 봄
        self.first, self.last = nn.Conv2d(c, width, 3, padding=1), nn.Conv2d(width, 2 * c, 3, padding=1)
        self.narrow, self.wide = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.last.weight), nn.init.zeros_(self.last.bias)  # 처음에는 항등 변환 (starts as the identity)

    def scale_and_shift(self, x):
        h = self.first(F.pixel_unshuffle(self.mask * x, self.patch))
        h = h + self.wide(F.relu(self.narrow(F.relu(h))))
        raw, t = F.pixel_shuffle(self.last(F.relu(h)), self.patch).chunk(2, dim=1)
        return (1 - self.mask) * 2 * torch.tanh(raw / 2), (1 - self.mask) * t  # 로그 스케일은 (-2, 2)

    def forward(self, x):
        s, t = self.scale_and_shift(x)
        return x * torch.exp(s) + t, s.flatten(1).sum(dim=1)

    def inverse(self, y):
        s, t = self.scale_and_shift(y)
        return (y - t) * torch.exp(-s)

class MultiScale(nn.Module):
    def __init__(self, c, h, w, width=48):
        super().__init__()
        colours = [(torch.arange(h)[:, None] + torch.arange(w) + i) % 2.0 for i in (1, 0, 1, 0)]  # 체커보드 마스크
        halves = [(torch.arange(4 * c) // (2 * c) == i).float()[:, None, None] for i in (0, 1, 0)]  # 채널 마스크
        self.fine = RealNVP([MaskedCoupling(mask, c, width, 1 + (h >= 14)) for mask in colours[:3]])
        self.squeezed = RealNVP([MaskedCoupling(mask, 4 * c, width, 1) for mask in halves])
        colours = [mask[: h // 2, : w // 2] for mask in colours]
        self.coarse = RealNVP([MaskedCoupling(mask, 2 * c, width, 1 + (h >= 28)) for mask in colours])

    def forward(self, x):
        x, fine = self.fine(x)
        x = torch.cat([x[:, :, i::2, j::2] for i, j in ((0, 0), (1, 1), (0, 1), (1, 0))], dim=1)  # 스퀴즈(squeeze)
        x, squeezed = self.squeezed(x)
        x, leaves = x.chunk(2, dim=1)  # 분리 출력(factor-out): 채널의 절반은 여기서 나감 (half of it leaves)
        x, coarse = self.coarse(x)
        return torch.cat([x, leaves], dim=1), fine + squeezed + coarse

    def inverse(self, z):
        x, leaves = z.chunk(2, dim=1)
        x = self.squeezed.inverse(torch.cat([self.coarse.inverse(x), leaves], dim=1))
        a, d, b, c = x.chunk(4, dim=1)
        return self.fine.inverse(F.pixel_shuffle(torch.stack([a, b, c, d], dim=2).flatten(1, 2), 2))

def build(kind, y):  # y: 역양자화된 학습 데이터 (sets the preprocessing)
    if kind == "paper":
        return RealNVP([Preprocess(y), MultiScale(*y.shape[1:])])
    y = y.flatten(1)  # 784차원, 은닉 256, 결합층 5개 (as in the plan)
    return RealNVP([Preprocess(y), *(AffineCouplingLayer(y.shape[1], 256, swap=i % 2 == 1) for i in range(5))])

def loss(model, y):  # [fix] 이미지마다 음의 로그 우도, nat: -log N(z; 0, I) - log|det|
    z, log_det_jacobian = model(y)
    return (0.5 * z.square() + 0.5 * math.log(2 * math.pi)).flatten(1).sum(dim=1) - log_det_jacobian

def train(model, images, values, epochs=num_epochs, loss=loss):
    optimizer, losses = torch.optim.Adam(model.parameters(), lr=learning_rate), []
    for epoch in range(epochs):
        batches = torch.randperm(len(images)).split(batch_size)
        for i, rows in enumerate(batches):
            optimizer.zero_grad()
            mean = loss(model, dequantize(images[rows], values)).mean()
            mean.backward()
            optimizer.step()
            losses.append(mean.item())
            if i % 100 == 0:
                print(f"Epoch [{epoch}/{epochs}] Batch {i}/{len(batches)} Loss: {losses[-1]:.1f}")
    return losses

@torch.no_grad()
def generate(model, like, values):  # 표본 64개를 8x8 격자로 (64 samples as one picture)
    z = torch.randn_like(model(dequantize(like[:64], values))[0])
    pixels = (model.inverse(z) * values).floor().clamp(0, values - 1).reshape(8, 8, *like.shape[2:])
    return pixels.permute(0, 2, 1, 3).flatten(0, 1).flatten(1)  # (8H, 8W)

@torch.no_grad()
def bits_per_dim(model, images, values):  # [fix] 시험 집합에서, 평균과 표준 오차 (test set: mean, standard error)
    nats = torch.cat([loss(model, dequantize(part, values)) for part in images.split(500)])
    bits = nats / (images[0].numel() * math.log(2)) + math.log2(values)  # log2(values): 칸의 크기 (size of a cell)
    return bits.mean().item(), bits.std().item() / math.sqrt(len(bits))

def histogram(images, test, values):  # 비교 기준: 픽셀마다 값의 빈도 (independent pixels)
    counts = torch.stack([pixel.bincount(minlength=values) for pixel in images.flatten(1).T.int()], dim=1) + 0.1
    return -(counts / counts.sum(0)).log2().gather(0, test.flatten(1).long()).mean().item()

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=["listing", "paper"], default="listing")
    parser.add_argument("--data", choices=["digits", "mnist"], default="digits")
    parser.add_argument("--folder", default=Path(os.environ.get("DIFFEO_DATA", "."), "mnist"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=num_epochs)
    parser.add_argument("--out", type=Path, default="realnvp", help="a new folder: generated.png, weights.safetensors")
    options = parser.parse_args()
    if options.out.exists():
        parser.error(f"{options.out} is there already. Name a new folder: --out FOLDER")
    torch.manual_seed(options.seed)  # [fix]
    images, test, values = load(options.data, options.folder)
    model = build(options.model, dequantize(images[:10000], values))
    train(model, images, values, options.epochs)
    options.out.mkdir(parents=True)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, options.out / "weights.safetensors")
    plt.imshow(generate(model, test, values), cmap="gray", vmin=0, vmax=values - 1)
    plt.title("Generated Images")
    plt.savefig(options.out / "generated.png")
    print(f"bits/dim: uniform {math.log2(values):.3f}, histogram {histogram(images, test, values):.3f}", end=", ")
    print("{} {:.3f} ± {:.3f}".format(options.model, *bits_per_dim(model, test, values)))
