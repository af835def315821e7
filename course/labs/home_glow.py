# %% title [markdown] lang="ko"
# # 집에서 1: 부품으로 Glow 만들기
#
# Glow의 한 단계는 활성값 정규화(ActNorm), 가역 1×1 합성곱, 아핀 결합층(affine coupling layer)으로 이루어집니다. 이
# 노트북에서는 앞의 두 부품과 스퀴즈, 분리 출력(factor-out)을 직접 쓰고, 학습된 `glow-digits`의 가중치를 그 부품에
# 넣어 **같은 z와 같은 로그 행렬식**이 나오는지 확인합니다. 한 시간쯤 걸립니다.
# %% title [markdown] lang="en"
# # At home 1: Glow from parts
#
# A step of Glow is ActNorm, an invertible 1×1 convolution and an affine coupling. Here you write the first two, the
# squeeze and the split, put the weights of the trained `glow-digits` into them, and see whether **the same z and the
# same log-determinant** come out. It takes about an hour.
# %% set-up-heading [markdown] lang="ko"
# ## 준비
# %% set-up-heading [markdown] lang="en"
# ## Set-up
# %% set-up
import os
import warnings

import matplotlib.pyplot as plt
import torch

import diffeo
from diffeo.evaluation import baselines, image_grid
from diffeo_course.grading import check

LANGUAGE = "ko"  # ko
LANGUAGE = "en"  # en
EPOCHS = int(os.environ.get("DIFFEO_LAB_EPOCHS", 15))  # 에포크마다 몇 초  # ko
EPOCHS = int(os.environ.get("DIFFEO_LAB_EPOCHS", 15))  # some seconds each  # en

warnings.filterwarnings("ignore", message="IProgress not found")  # ipywidgets가 없어도 됩니다  # ko
warnings.filterwarnings("ignore", message="IProgress not found")  # ipywidgets is not needed  # en
torch.set_num_threads(min(2, torch.get_num_threads()))
torch.manual_seed(0)
digits = diffeo.data.load("digits")
flow = diffeo.load("glow-digits")
print(flow)


# %% squeeze-heading [markdown] lang="ko"
# ## 1. 스퀴즈와 분리 출력
#
# 스퀴즈는 2×2 블록의 네 픽셀을 네 채널로 옮깁니다. 채널 c의 블록 안 (i, j) 픽셀은 채널 4c + 2i + j로 갑니다. 값은
# 하나도 변하지 않으므로 로그 행렬식은 0입니다. 분리 출력에서는 앞쪽 절반 채널이 계속 가고 뒤쪽 절반이 나갑니다.
# %% squeeze-heading [markdown] lang="en"
# ## 1. Squeeze and split
#
# Every 2×2 block becomes four channels: pixel (i, j) of a block of channel c goes to channel 4c + 2i + j. No value
# changes, so the log-determinant is 0. In a split the first half of the channels goes on, and the second leaves.
# %% squeeze tags=["student"]
def squeeze(x):
    # 할 일: (B, C, H, W) -> (B, 4C, H/2, W/2)  # ko
    # To do: (B, C, H, W) -> (B, 4C, H/2, W/2)  # en
    raise NotImplementedError("squeeze")


def split(x):
    # 할 일: goes_on, leaves  # ko
    # To do: goes_on, leaves  # en
    raise NotImplementedError("split")


# %% squeeze tags=["solution"]
def squeeze(x):
    batch, channels, height, width = x.shape
    blocks = x.reshape(batch, channels, height // 2, 2, width // 2, 2)
    return blocks.permute(0, 1, 3, 5, 2, 4).reshape(batch, 4 * channels, height // 2, width // 2)


def split(x):
    goes_on, leaves = x.chunk(2, dim=1)
    return goes_on, leaves


# %% squeeze-check
passed = {"squeeze": check("squeeze", squeeze, LANGUAGE), "split": check("split", split, LANGUAGE)}


# %% actnorm-heading [markdown] lang="ko"
# ## 2. 활성값 정규화(ActNorm)
#
# 채널마다 배율 하나와 이동 하나를 배웁니다. 첫 배치에서 평균이 0, 표준편차가 1이 되도록 **한 번만** 정하고,
# 그다음부터는 여느 매개변수와 같습니다. 배치 정규화(batch normalization)와 달리 다른 이미지에 기대지 않으므로 배치가
# 한 장이어도 됩니다.
#
# z = (x + bias) · exp(log_scale). 이미지에서는 H·W개의 자리가 같은 배율을 쓰므로 log_det = H·W·Σ log_scale입니다.
# %% actnorm-heading [markdown] lang="en"
# ## 2. ActNorm
#
# A learned scale and bias for each channel. They are set **once**, so that a first batch has mean 0 and standard
# deviation 1, and are ordinary parameters from then on. Unlike batch normalization nothing depends on other images,
# so a batch may be a single one.
#
# z = (x + bias) · exp(log_scale). All H·W places share the scale, so log_det = H·W·Σ log_scale.
# %% actnorm tags=["student"]
def actnorm_initialize(x):
    # 할 일: bias (C,), log_scale (C,)  # ko
    # To do: bias (C,), log_scale (C,)  # en
    raise NotImplementedError("actnorm_initialize")


def actnorm_forward(x, bias, log_scale):
    # 할 일: z, log_det (B,)  # ko
    # To do: z, log_det (B,)  # en
    raise NotImplementedError("actnorm_forward")


# %% actnorm tags=["solution"]
def actnorm_initialize(x):
    places = [0, *range(2, x.dim())]
    return -x.mean(places), -x.std(places, correction=0).log()


def actnorm_forward(x, bias, log_scale):
    shape = (1, -1, *[1] * (x.dim() - 2))
    z = (x + bias.view(shape)) * log_scale.exp().view(shape)
    return z, (log_scale.sum() * x[0, 0].numel()).expand(len(x))


# %% actnorm-check
passed["actnorm_initialize"] = check("actnorm_initialize", actnorm_initialize, LANGUAGE)
passed["actnorm_forward"] = check("actnorm_forward", actnorm_forward, LANGUAGE)
# %% actnorm-single [markdown] lang="ko"
# **배치가 한 장일 때.** 학습 상태의 배치 정규화와 ActNorm에 채널 4개, 1×1 이미지 한 장을 넣어 봅니다.
# %% actnorm-single [markdown] lang="en"
# **A batch of one.** One image of four channels and 1×1 pixels, through batch normalization in training and through
# ActNorm.
# %% actnorm-batch-norm
one = torch.randn(1, 4, 1, 1)
try:
    print(torch.nn.BatchNorm2d(4)(one).flatten())
except ValueError as error:
    print("BatchNorm2d:", error)
print("ActNorm:", diffeo.ActNorm(4).encode(one)[0].flatten().tolist())


# %% conv-heading [markdown] lang="ko"
# ## 3. 가역 1×1 합성곱
#
# 결합층은 절반만 바꿉니다. RealNVP는 채널의 순서를 **정해진 대로** 뒤집어 나머지 절반도 바뀌게 했고, Glow는 그 자리에
# 배우는 행렬 W를 둡니다. 결합층 자체는 RealNVP의 것 그대로입니다.
#
# log_det = H·W·log|det W|이고, 행렬식을 그대로 구하면 O(C³)입니다. W = P L (U + diag(sign · exp(log_diagonal)))로
# 두면 대각 성분의 로그만 더하면 되므로 O(C)입니다. P는 고정된 순열이고, L의 대각은 1, U의 대각은 0입니다.
# %% conv-heading [markdown] lang="en"
# ## 3. The invertible 1×1 convolution
#
# A coupling changes one half. RealNVP reverses the channels in a **fixed** order so that the other half gets its
# turn; Glow puts a learned matrix W in that place. The coupling itself is RealNVP's.
#
# log_det = H·W·log|det W|, and a determinant costs O(C³). With W = P L (U + diag(sign · exp(log_diagonal))) it is a
# sum of C numbers. P is a fixed permutation, L has ones on its diagonal, U zeros.
# %% conv tags=["student"]
def conv1x1_forward(x, permutation, lower, upper, sign, log_diagonal):
    # 할 일: z, log_det (B,)  # ko
    # To do: z, log_det (B,)  # en
    raise NotImplementedError("conv1x1_forward")


def conv1x1_inverse(z, permutation, lower, upper, sign, log_diagonal):
    # 할 일: 역행렬 대신 삼각 방정식을 두 번 풉니다 (torch.linalg.solve_triangular)  # ko
    # To do: solve two triangular systems (torch.linalg.solve_triangular), invert nothing  # en
    raise NotImplementedError("conv1x1_inverse")


# %% conv tags=["solution"]
def conv1x1_forward(x, permutation, lower, upper, sign, log_diagonal):
    identity = torch.eye(len(sign)).to(lower)
    weight = permutation @ (lower.tril(-1) + identity) @ (upper.triu(1) + torch.diag(sign * log_diagonal.exp()))
    z = torch.nn.functional.conv2d(x, weight[:, :, None, None])
    return z, (x.shape[2] * x.shape[3] * log_diagonal.sum()).expand(len(x))


def conv1x1_inverse(z, permutation, lower, upper, sign, log_diagonal):
    identity = torch.eye(len(sign)).to(lower)
    pixels = permutation.T @ z.transpose(0, 1).flatten(1)  # (C, B*H*W)
    pixels = torch.linalg.solve_triangular(lower.tril(-1) + identity, pixels, upper=False, unitriangular=True)
    pixels = torch.linalg.solve_triangular(upper.triu(1) + torch.diag(sign * log_diagonal.exp()), pixels, upper=True)
    return pixels.unflatten(1, (z.shape[0], *z.shape[2:])).transpose(0, 1)


# %% conv-check
passed["conv1x1_forward"] = check("conv1x1_forward", conv1x1_forward, LANGUAGE)
passed["conv1x1_inverse"] = check("conv1x1_inverse", conv1x1_inverse, LANGUAGE)


# %% whole-heading [markdown] lang="ko"
# ## 4. 모두 모으면
#
# `glow-digits`의 층을 차례로 지나면서 내 부품으로 계산합니다. 결합층의 조건 신경망과 첫 층(`Gaussianize`: 픽셀마다
# 자기 분포를 정규 분포로 옮기는 층)은 diffeo의 것을 그대로 씁니다. 분리 출력에서 나가는 절반은 남은 절반이 정하는
# 평균과 표준편차로 표준화됩니다.
# %% whole-heading [markdown] lang="en"
# ## 4. All together
#
# Walk through the layers of `glow-digits` with your own parts. The couplings' networks and the first layer
# (`Gaussianize`, which brings every pixel's own distribution to the normal) are diffeo's. What leaves at a split is
# standardized with a mean and a standard deviation that the other half decides.
# %% whole-walk
def walk(layers, x):
    """z (B, D), log_det (B,)"""
    log_det, pieces = torch.zeros(len(x)), []
    for layer in layers:
        change = 0
        if isinstance(layer, diffeo.Squeeze):
            x = squeeze(x)
        elif isinstance(layer, diffeo.ActNorm):
            x, change = actnorm_forward(x, layer.shift, 10 * torch.tanh(layer.raw_log_scale / 10))
        elif isinstance(layer, diffeo.InvertibleConv1x1):
            lower, upper, log_diagonal = layer.factors()
            permutation = torch.eye(layer.channels)[layer.order]
            x, change = conv1x1_forward(x, permutation, lower, upper, layer.sign, log_diagonal)
        elif isinstance(layer, diffeo.Split):
            goes_on, leaves = split(x)
            raw, mean = layer.prior(goes_on).chunk(2, dim=1)
            log_sigma = 4 * torch.tanh(raw / 4)
            deeper, change = walk(layer.rest, goes_on)
            change = change - log_sigma.flatten(1).sum(1)
            pieces = [deeper, ((leaves - mean) * (-log_sigma).exp()).flatten(1)]
        elif isinstance(layer, diffeo.Chain):
            x, change = walk(layer, x)
        else:  # Gaussianize, Coupling, Flatten
            x, change = layer.encode(x)
        log_det = log_det + change
    return (torch.cat(pieces, 1) if pieces else x), log_det


images = digits.test.x[:64]
noise = flow.draw_noise(images, torch.Generator().manual_seed(0))
if all(passed.values()):
    with torch.no_grad():
        z, log_det = walk(flow.bijection, flow.door.encode(images, noise))
        wanted, wanted_log_det = flow.encode(images, noise=noise)
    print(f"z: {(z - wanted).abs().max():.1e}   log_det: {(log_det - wanted_log_det).abs().max():.1e}")
else:
    left = ", ".join(name for name, right in passed.items() if not right)
    print("아직 통과하지 못한 함수:", left, "- 위의 셀을 고쳐 다시 실행하십시오.")  # ko
    print("not right yet:", left, "- mend the cells above and run them again.")  # en


# %% ablation-heading [markdown] lang="ko"
# ## 5. 1×1 합성곱이 하는 일
#
# 같은 Glow를 세 가지로 배워 봅니다. 섞지 않는 것, 순서를 뒤집는 것(RealNVP), 배우는 행렬(Glow). 나머지는 모두
# 같습니다. 층을 하나씩 이어 붙이는 데에는 `diffeo.Chain`을 씁니다. **먼저 짐작해 봅니다.** 차이가 얼마나 나겠습니까?
# %% ablation-heading [markdown] lang="en"
# ## 5. What the 1×1 convolution does
#
# The same Glow in three versions: no mixing, the channels reversed (RealNVP), a learned matrix (Glow). All else is
# equal. `diffeo.Chain` puts layers together. **Guess first:** how large will the difference be?
# %% ablation
def small_glow(mixing):
    torch.manual_seed(0)
    layers = [diffeo.Gaussianize((1, 8, 8), 17), diffeo.Squeeze()]
    for _ in range(6):
        network = diffeo.ConvNet(2, 4, width=32, places=(4, 4))
        layers += [diffeo.ActNorm(4), *mixing(), diffeo.Coupling(4, network)]
    chain = diffeo.Chain([*layers, diffeo.Flatten((4, 4, 4))])
    return diffeo.Flow(chain, diffeo.StandardNormal(64), door=diffeo.Quantizer(17))


mixings = {"none": list, "reverse": lambda: [diffeo.Flip()], "conv1x1": lambda: [diffeo.InvertibleConv1x1(4)]}
curves = {}
for name, mixing in mixings.items():
    trained = small_glow(mixing)
    result = diffeo.fit(trained, digits, epochs=EPOCHS, batch_size=64, lr=2e-3, precision="float32", progress=False)
    curves[name] = [record["validation"] for record in result.history]
    print(f"{name}: {trained.bits_per_dim(digits.test.x).mean():.3f} bits/dim (17 values)")
print({name: f"{found.mean:.3f}" for name, found in baselines(digits).items()})

plt.figure(figsize=(6, 3.5))
for (name, curve), style in zip(curves.items(), ("o-", "s--", "^:"), strict=True):
    plt.plot(range(1, len(curve) + 1), curve, style, markersize=3, label=name)
plt.xlabel("epoch")
plt.ylabel("validation, bits/dim")
plt.legend()
plt.show()
# %% ablation-samples
print("conv1x1:")
image_grid(trained.sample(48, temperature=0.8, generator=torch.Generator().manual_seed(0)), 17, columns=16)
# %% questions [markdown] lang="ko" tags=["student"]
# **생각해 볼 것**
#
# 1. 섞지 않으면 어느 채널이 끝까지 변하지 않습니까? 강의 계획의 예제와 무엇이 같습니까?
# 2. C = 48일 때 행렬식을 그대로 구하는 것과 LU로 구하는 것의 계산량을 비교합니다.
# 3. W를 LU로 두어도 모든 가역 행렬을 나타낼 수 있습니까? P가 고정되어 있다는 점을 생각합니다.
# %% questions [markdown] lang="en" tags=["student"]
# **To think about**
#
# 1. Without mixing, which channels never change? What does that share with the listing of the lecture plan?
# 2. For C = 48, compare the cost of the determinant with that of the LU form.
# 3. Can the LU form be every invertible matrix? Mind that P is fixed.
# %% answers [markdown] lang="ko" tags=["solution"]
# **풀이**
#
# 1. 유지하는 앞쪽 두 채널은 결합층에서 변하지 않고 ActNorm의 배율과 이동만 받습니다. 예제에서 위쪽 절반이 잡음으로
#    남은 것과 같은 까닭입니다. 다만 여기서는 채널이 2×2 블록의 한 자리이므로 그림에서는 픽셀이 두 줄에 한 줄꼴로
#    독립인 것처럼 보입니다.
# 2. 행렬식은 C³ = 110,592에 비례하고, LU에서는 48개의 수를 더합니다. 합성곱 자체는 어느 쪽이나 H·W·C²입니다.
# 3. 모든 가역 행렬은 **어떤** P에 대하여 P L U로 쓸 수 있지만, P와 부호를 고정하면 일부(측도 0인 집합과 부호가 다른
#    것)는 나타낼 수 없습니다. 회전에서 시작하여 조금씩 움직이는 학습에서는 문제가 되지 않습니다.
# %% answers [markdown] lang="en" tags=["solution"]
# **Answers**
#
# 1. The first two channels are kept by every coupling; only ActNorm scales and shifts them. That is why the upper
#    half of the listing's samples stayed noise. Here a channel is one place of the 2×2 blocks, so in every second row
#    the pixels come out independent of one another.
# 2. The determinant costs about C³ = 110,592, the LU form a sum of 48 numbers. The convolution itself costs H·W·C² in
#    both.
# 3. Every invertible matrix is P L U for **some** P. With P and the signs fixed some are out of reach: a set of
#    measure zero, and those of other signs. Training moves in small steps from a rotation, where that does not
#    matter.
