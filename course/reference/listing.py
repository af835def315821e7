"""The lecture plan's listing as it stands, run and measured: where is it wrong?

    python listing.py                                                  손글씨 숫자 8x8 (digits, offline)
    python listing.py --data fashion-mnist --folder FOLDER_OF_THE_IDX_FILES --steps 400

Between the two double lines is the plan's code. A line of the plan that had to go is a comment "# [plan] ..", and
what replaces it ends in "# [instead]": the data, which the plan downloads, the import of torchvision, which it forgets,
and where the picture goes. Classes, loss and loop are the plan's.
두 줄 사이는 강의 계획의 코드입니다. 데이터 줄과 빠진 import만 바꾸었고, 클래스와 손실 함수는 그대로입니다.
"""
# ruff: noqa: I001, UP008 -- the plan's lines are left as they are

import argparse
import json
import math
import os
from pathlib import Path

# fmt: off
# ======================================================================================================================
import torch
import torch.nn as nn
import torch.optim as optim
# [plan] from torchvision import datasets, transforms
# [plan] from torch.utils.data import DataLoader
from torch.utils.data import DataLoader, TensorDataset  # [instead]
import matplotlib.pyplot as plt

# 하이퍼파라미터 설정
batch_size = 64
learning_rate = 0.001
num_epochs = 10

# 데이터셋 로드 및 전처리
# [plan] transform = transforms.Compose([
# [plan]     transforms.ToTensor(),
# [plan]     transforms.Normalize((0.5,), (0.5,))
# [plan] ])
def transform(y):  # [instead]  [0, 1] -> [-1, 1]
    return (y - 0.5) / 0.5  # [instead]

# [plan] train_dataset = datasets.MNIST(root='./data', train=True, transform=transform, download=True)
def make_dataset(images, values):  # [instead]  ToTensor: 정수를 가장 큰 값으로 나눔 (divides by the largest value)
    return TensorDataset(transform(images / (values - 1)), torch.zeros(len(images)))  # [instead]
# [plan] train_loader = DataLoader(dataset=train_dataset, batch_size=batch_size, shuffle=True)

# Affine Coupling Layer 정의
class AffineCouplingLayer(nn.Module):
    def __init__(self, input_dim, hidden_dim):
        super(AffineCouplingLayer, self).__init__()
        self.input_dim = input_dim
        self.hidden_dim = hidden_dim
        self.scale_net = nn.Sequential(
            nn.Linear(input_dim // 2, hidden_dim),
            nn.ReLU(),
            nn.Linear(hidden_dim, input_dim // 2),
            nn.Tanh()
        )
        self.translation_net = nn.Sequential(
            nn.Linear(input_dim // 2, hidden_dim),
            nn.ReLU(),
            nn.Linear(hidden_dim, input_dim // 2)
        )

    def forward(self, x):
        x1, x2 = x.chunk(2, dim=1)
        s = self.scale_net(x1)
        t = self.translation_net(x1)
        y1 = x1
        y2 = x2 * torch.exp(s) + t
        return torch.cat([y1, y2], dim=1)

    def inverse(self, y):
        y1, y2 = y.chunk(2, dim=1)
        s = self.scale_net(y1)
        t = self.translation_net(y1)
        x1 = y1
        x2 = (y2 - t) * torch.exp(-s)
        return torch.cat([x1, x2], dim=1)

# RealNVP 모델 정의
class RealNVP(nn.Module):
    def __init__(self, input_dim, hidden_dim, num_layers):
        super(RealNVP, self).__init__()
        self.layers = nn.ModuleList([AffineCouplingLayer(input_dim, hidden_dim) for _ in range(num_layers)])

    def forward(self, x):
        log_det_jacobian = 0
        for layer in self.layers:
            x = layer(x)
            log_det_jacobian += layer.scale_net(x.chunk(2, dim=1)[0]).sum()
        return x, log_det_jacobian

    def inverse(self, y):
        for layer in reversed(self.layers):
            y = layer.inverse(y)
        return y

def run(train_dataset, num_epochs=num_epochs, picture=None):  # [instead]
    train_loader = DataLoader(dataset=train_dataset, batch_size=batch_size, shuffle=True)  # [instead]
    height, width = train_dataset[0][0].shape[1:]  # [instead]
    # 모델 초기화
    # [plan] input_dim = 28 * 28
    input_dim = height * width  # [instead]
    hidden_dim = 256
    num_layers = 5
    model = RealNVP(input_dim, hidden_dim, num_layers)
    optimizer = optim.Adam(model.parameters(), lr=learning_rate)
    criterion = nn.MSELoss()

    # 학습
    for epoch in range(num_epochs):
        for i, (imgs, _) in enumerate(train_loader):
            imgs = imgs.view(-1, input_dim).to(torch.float32)
            optimizer.zero_grad()
            output, log_det_jacobian = model(imgs)
            loss = criterion(output, imgs) - log_det_jacobian.mean()
            loss.backward()
            optimizer.step()
            if i % 100 == 0:
                print(f'Epoch [{epoch}/{num_epochs}] Batch {i}/{len(train_loader)} Loss: {loss.item()}')

    # 생성된 이미지 시각화
    with torch.no_grad():
        sample = torch.randn(64, input_dim)
        # [plan] sample = model.inverse(sample).view(-1, 1, 28, 28)
        # [plan] grid = torchvision.utils.make_grid(sample, nrow=8, normalize=True)
        # [plan] plt.imshow(grid.permute(1, 2, 0))
        noise, sample = sample, model.inverse(sample).view(8, 8, height, width)  # [instead]
        grid = (sample - sample.min()) / (sample.max() - sample.min())  # [instead]  normalize=True
        plt.imshow(grid.permute(0, 2, 1, 3).reshape(8 * height, 8 * width), cmap='gray')  # [instead]
        plt.title('Generated Images')
        # [plan] plt.show()
        plt.savefig(picture) if picture else None  # [instead]
        plt.close()  # [instead]
    return model, loss.item(), criterion(output, imgs).item(), len(imgs), sample, noise  # [instead]
# ======================================================================================================================
# fmt: on


@torch.no_grad()
def bits_per_dim(model, images, values):
    """Mean and standard error of the density that the listing's model defines, for integers.

    역양자화 없이 학습한 모델을 재는 법 (how a model without dequantization is scored):
    y = (k + u) / values 는 칸 [k, k+1) / values 안의 점; 학습한 점 k / (values - 1)도 같은 칸에 있음 (the same cell);
    전처리 2y - 1의 로그 행렬식 D log 2, 이미지마다 따로 더한 로그 행렬식, 기저 분포 N(0, I)을 모두 셈.
    """
    bits = []
    for part in images.split(500):
        x = transform((part + torch.rand(part.shape)) / values).flatten(1)
        dimensions = x.shape[1]
        log_det = torch.full((len(x),), dimensions * math.log(2))
        for layer in model.layers:
            log_det += layer.scale_net(x.chunk(2, dim=1)[0]).sum(dim=1)
            x = layer(x)
        log_prob = (-0.5 * x.square() - 0.5 * math.log(2 * math.pi)).sum(dim=1) + log_det
        bits.append(math.log2(values) - log_prob / (dimensions * math.log(2)))
    bits = torch.cat(bits)
    return bits.mean().item(), bits.std().item() / math.sqrt(len(bits))


@torch.no_grad()
def diagnose(trained, test, values):
    """The numbers behind the exercise, by name."""
    model, loss, mse, rows, sample, noise = trained
    dimensions = test[0].numel()
    half = dimensions // 2
    x = transform(test[:1000] / (values - 1)).flatten(1)
    z, _ = model(x)
    bound = len(model.layers) * half * rows  # |log_det| < 층 x 절반 x 이미지 x tanh
    bits, error = bits_per_dim(model, test, values)
    return {
        "loss": loss,
        "images_of_the_last_batch": rows,
        "mse": mse,
        "log_det_of_the_batch": mse - loss,
        "log_det_bound": bound,
        "log_det_bound_of_a_full_batch": len(model.layers) * half * batch_size,
        "log_det_share_of_the_bound": (mse - loss) / bound,
        "mse_share_of_the_loss": mse / abs(loss),
        "largest_change_of_the_first_half": (z - x)[:, :half].abs().max().item(),
        "pixels_never_changed": half,
        "samples_first_half_minus_noise": (sample.flatten(0, 1).flatten(1) - noise)[:, :half].abs().max().item(),
        "samples_smallest": sample.min().item(),
        "samples_largest": sample.max().item(),
        "z_second_half_rms": z[:, half:].square().mean().sqrt().item(),
        "bits_per_dim": bits,
        "standard_error": error,
        "uniform": math.log2(values),
        "values": values,
    }


def measure(images, test, values, *, epochs=num_epochs, steps=None, picture=None):
    """Run the listing for `epochs`, or for about `steps` (part of an epoch, or whole ones), and diagnose it."""
    seen = images
    if steps is not None:
        epochs = max(1, steps // math.ceil(len(images) / batch_size))
        seen = images[torch.randperm(len(images))[: steps * batch_size]]
    trained = run(make_dataset(seen, values), epochs, picture)
    steps = epochs * math.ceil(len(seen) / batch_size)
    return trained[0], {"steps": steps} | diagnose(trained, test, values)


def main():
    from realnvp import histogram, load

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=["digits", "mnist", "fashion-mnist"], default="digits")
    parser.add_argument("--folder", help="of the IDX files; $DIFFEO_DATA/NAME if not given")
    parser.add_argument("--epochs", type=int, default=num_epochs)
    parser.add_argument("--steps", type=int, help="stop after about this many steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", type=Path, help="a new PNG file for the plan's picture")
    options = parser.parse_args()
    if options.picture and options.picture.exists():
        parser.error(f"{options.picture} is there already. Name another file: --picture NEW.png")
    torch.manual_seed(options.seed)
    folder = options.folder or Path(os.environ.get("DIFFEO_DATA", "."), options.data)
    images, test, values = load(options.data, folder)
    _, found = measure(images, test, values, epochs=options.epochs, steps=options.steps, picture=options.picture)
    print(json.dumps(found | {"histogram": histogram(images, test, values)}, indent=2))


if __name__ == "__main__":
    main()
