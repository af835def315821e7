# %% title [markdown] lang="ko"
# # 10주차 실습: 정규화 흐름(normalizing flow)으로 이미지 만들기
#
# | 시간(분) | 할 일 | 여기서 확인하는 것 |
# | --- | --- | --- |
# | 0–5 | 준비 | 환경, 데이터, 학습된 모델 |
# | 5–12 | 버그 찾기 | 손실이 내려가는데도 모델이 나빠지는 까닭 |
# | 12–22 | 2차원에서 보기 | 변수 변환 공식, 적분하면 1, 층마다의 변화 |
# | 22–32 | 네 함수 쓰기 | 결합층(coupling layer), 역양자화, 차원당 비트 수(bits/dim), 손실 |
# | 32 | 학습 시작 | 노트북과 따로 도는 프로세스 |
# | 32–45 | Glow와 편집 | 표본 추출, 온도, 보간, 속성 방향, 스타일 변환 |
# | 45–50 | 자기 결과 읽기 | 기준선과 나란히 놓은 bits/dim |
#
# 위에서부터 차례로 실행합니다. 인터넷은 필요하지 않습니다. 문제가 있는 셀에는 **할 일**이라고 적혀 있습니다.
# %% title [markdown] lang="en"
# # Week 10 lab: making images with normalizing flows
#
# | minutes | what to do | what it shows |
# | --- | --- | --- |
# | 0–5 | set-up | environment, data, trained models |
# | 5–12 | find the bugs | a loss can fall while the model gets worse |
# | 12–22 | two dimensions | change of variables, integral one, layer by layer |
# | 22–32 | write four functions | coupling, dequantization, bits/dim, loss |
# | 32 | start a training | a process beside the notebook |
# | 32–45 | Glow and editing | samples, temperature, interpolation, attributes, style |
# | 45–50 | read your result | bits/dim beside its baselines |
#
# Run the cells from top to bottom. No network is needed. **To do** marks the cells that wait for you.
# %% set-up-heading [markdown] lang="ko"
# ## 0–5분: 준비
#
# 첫 셀에서 오류가 나면 터미널에서 `diffeo course check --lang ko`를 실행하고, 표시되는 해결 방법을 따릅니다. 컴퓨터가
# 느리면 `FAST = True`로 바꿉니다. 32분에 시작하는 학습이 4분 안에 끝납니다.
# %% set-up-heading [markdown] lang="en"
# ## 0–5 min: set-up
#
# If the first cell fails, run `diffeo course check --lang en` in a terminal and do what it says. On a slow computer
# set `FAST = True`: the training that starts at minute 32 then ends within four minutes.
# %% set-up
import math
import os
import sys
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from IPython.display import Image, display
from torch import nn

import diffeo
from diffeo import editing
from diffeo.evaluation import baselines, image_grid
from diffeo.runs import read_run
from diffeo_course import background
from diffeo_course.grading import check
from diffeo_course.material import material

LANGUAGE = "ko"  # ko
LANGUAGE = "en"  # en
FAST = os.environ.get("DIFFEO_LAB_FAST") == "1"  # True: 4분 안에 끝나는 학습  # ko
FAST = os.environ.get("DIFFEO_LAB_FAST") == "1"  # True: a training of four minutes at most  # en
SEED = int("10")  # 따옴표 안을 학번의 마지막 네 자리로 바꾸면 자기만의 결과가 나옵니다  # ko
SEED = int("10")  # write the last four digits of your student number between the quotes: results of your own  # en

warnings.filterwarnings("ignore", message="IProgress not found")  # ipywidgets가 없어도 됩니다  # ko
warnings.filterwarnings("ignore", message="IProgress not found")  # ipywidgets is not needed  # en
torch.set_num_threads(min(2, torch.get_num_threads()))
torch.manual_seed(SEED)
print("Python", sys.version.split()[0], " torch", torch.__version__, " diffeo", diffeo.__version__)
# %% set-up-data
digits = diffeo.data.load("digits")  # scikit-learn: 8x8, 0 .. 16
glow = diffeo.load("glow-mnist")  # 학습된 Glow, 28x28, 0 .. 255  # ko
glow = diffeo.load("glow-mnist")  # a trained Glow, 28x28, 0 .. 255  # en
images = glow.sample(256, temperature=0.8, generator=torch.Generator().manual_seed(SEED))  # (256, 1, 28, 28)
print("digits:", tuple(digits.train.x.shape), "values:", digits.values)
image_grid(digits.train.x[:32], digits.values, columns=16)
# %% bugs-heading [markdown] lang="ko"
# ## 5–12분: 버그 찾기
#
# 아래는 강의 계획에 실린 예제의 **클래스와 손실을 그대로** 가져온 것입니다. 바꾼 것은 데이터를 읽는 줄과 빠져 있던
# `import` 하나뿐이고, 바꾼 줄에는 표시가 있습니다. 데이터는 MNIST 대신 `glow-mnist`에서 뽑은 28×28 표본을 씁니다.
# 학습은 잘되고 있습니까?
# %% bugs-heading [markdown] lang="en"
# ## 5–12 min: find the bugs
#
# These are the **classes and the loss of the lecture plan, unaltered**. Only the lines that read data and one missing
# `import` were replaced; they are marked. In place of MNIST it gets 28×28 samples of `glow-mnist`. Does it learn?
# %% bugs-listing
import inspect

sys.path.insert(0, str(material() / "reference"))
import listing

print(inspect.getsource(listing).split("# " + "=" * 118)[1])
# %% bugs-train
torch.manual_seed(SEED)
model, loss_value, mse, _, sample, noise = listing.run(listing.make_dataset(images, 256))
# %% bugs-questions [markdown] lang="ko"
# **할 일.** 손실은 쉬지 않고 내려가다가 −123,000 근처에서 멈춥니다. 다음 여섯 가지를 옆 사람에게 말로 설명해 봅니다.
# 바로 아래 셀의 수치가 실마리입니다.
#
# 1. 이 손실은 왜 약 −125,440보다 내려갈 수 없습니까? (층의 수, 바뀌는 픽셀의 수, 배치의 크기, `Tanh`)
# 2. 손실에서 `MSELoss`가 차지하는 몫은 얼마입니까? 그 항은 기저 분포(base distribution)의 로그 밀도와 어떻게
#    다릅니까?
# 3. 생성한 이미지의 위쪽 절반이 끝까지 잡음인 까닭은 무엇입니까?
# 4. `make_grid(..., normalize=True)`는 무엇을 감춥니까?
# 5. 결과를 믿으려면 무엇이 더 있어야 합니까? (데이터의 나눔, 시드)
# 6. 층을 통과한 **뒤에** `scale_net`을 다시 계산하는 것은 버그입니까?
# %% bugs-questions [markdown] lang="en"
# **To do.** The loss falls and falls, and stops near −123,000. Explain six things to your neighbour; the next cell
# has the clues.
#
# 1. Why can this loss never go below about −125,440? (layers, changed pixels, batch size, `Tanh`)
# 2. How much of the loss is `MSELoss`? How does that term differ from the log density of a base?
# 3. Why does the upper half of every sample stay noise?
# 4. What does `make_grid(..., normalize=True)` hide?
# 5. What else would you need to believe a result? (parts of the data, seed)
# 6. `scale_net` is computed again **after** the layer. Is that a bug?
# %% bugs-clues
batch = listing.transform(images[:64] / 255).flatten(1)
with torch.no_grad():
    # 위쪽 절반은 변하지 않으므로 모든 층이 같은 입력을 봅니다  # ko
    # every layer sees the same upper half  # en
    scales = torch.stack([layer.scale_net(batch[:, :392]) for layer in model.layers])
print(f"5 * 392 * 64 = {5 * 392 * 64:,}   loss: {loss_value:,.0f}   MSE: {mse:,.1f}   log_det: {mse - loss_value:,.0f}")
print(f"log_det: shape {tuple(model(batch)[1].shape)}   mean of s: {scales.mean():.3f}")

drawn = sample.flatten(2).flatten(0, 1)  # (64, 784)
print("sample[:, :392] == noise[:, :392]:", bool((drawn[:, :392] == noise[:, :392]).all()))
for half, part in (("upper", drawn[:, :392]), ("lower", drawn[:, 392:])):
    print(f"{half} half: {part.min():.2f} .. {part.max():.2f}   (data: -1 .. 1)")

grey = (sample - sample.min()) / (sample.max() - sample.min())  # normalize=True
plt.figure(figsize=(4, 4))
plt.imshow(grey.permute(0, 2, 1, 3).reshape(224, 224), cmap="gray")
plt.title("Generated Images")
plt.axis("off")
plt.show()
# %% bugs-score [markdown] lang="ko"
# **제대로 재어 보면.** 이 모델은 역양자화(dequantization) 없이 학습했습니다. 채점할 때에는 정수 픽셀에 [0, 1) 잡음을
# 더하여 같은 칸의 점으로 옮기고, 변수 변환 공식으로 **이미지마다** 로그 밀도를 구하여 정수의 차원당 비트
# 수(bits/dim)로 바꿉니다. `listing.bits_per_dim`이 그 일을 합니다. 비교할 기준은 256개의 값을 고르게 찍는 것, 곧 8
# bits/dim입니다. 다른 데이터와 단계 수로 다시 재려면 터미널에서 `python listing.py --data fashion-mnist --folder
# FOLDER --steps 400`을 실행합니다(`FOLDER`: IDX 파일이 있는 폴더). 이 명령의 결과는 1,103 ± 8 bits/dim이었습니다.
# %% bugs-score [markdown] lang="en"
# **Measured properly.** The model was trained without dequantization. To score it, noise in [0, 1) moves every
# integer pixel to a point of its cell, the change of variables gives a log density **for each image**, and that
# becomes bits per dimension of the integers: this is `listing.bits_per_dim`. Guessing each of the 256 values with
# equal probability costs 8 bits/dim. To measure other data: `python listing.py --data fashion-mnist --folder FOLDER
# --steps 400` in a terminal (`FOLDER` holds the IDX files), which gave 1,103 ± 8 bits/dim.
# %% bugs-bits
torch.manual_seed(SEED)
bits, error = listing.bits_per_dim(model, images, 256)
print(f"listing: {bits:,.1f} ± {error:,.1f} bits/dim   uniform: 8.0")
print(f"glow-mnist: {glow.bits_per_dim(images).mean():.2f} bits/dim (256 values)")
# %% bugs-mine [markdown] lang="ko" tags=["student"]
# **내가 찾은 것** (이 셀을 두 번 눌러 적습니다)
#
# 1.
# 2.
# 3.
# 4.
# 5.
# 6.
# %% bugs-mine [markdown] lang="en" tags=["student"]
# **What I found** (double-click this cell and write)
#
# 1.
# 2.
# 3.
# 4.
# 5.
# 6.
# %% bugs-answers [markdown] lang="ko" tags=["solution"]
# **풀이**
#
# 1. 로그 행렬식을 배치 전체에 대해 더했으므로 5층 × 392픽셀 × 64장 = 125,440개의 `tanh` 값을 더한 수이고, `tanh`는
#    1보다 작습니다. −123,000은 데이터를 배운 결과가 아니라 `tanh`가 모두 포화한 결과입니다(s의 평균이 1.000). 모든
#    것을 늘리기만 하면 손실이 내려갑니다. 로그 행렬식은 이미지마다 하나여야 하고, 모양은 `(B,)`입니다.
# 2. MSE는 2천 남짓으로 손실의 50분의 1쯤이며, 값이 크게 늘어나도 늘리기를 막지 못합니다. 게다가 출력을 **입력**과
#    비교하므로 우도가 아닙니다. 최대 우도 추정의 손실은 −(1/B) Σ [log p_Z(f(x)) + log|det ∂f/∂x|]이고, 기저 분포의
#    항 ½‖z‖²이 있어야 늘리는 데에 값을 치릅니다.
# 3. 모든 층이 같은 반쪽을 유지합니다. 픽셀 0..391은 학습에서도 생성에서도 전혀 변하지 않으므로, 잡음을 넣으면 잡음이
#    나옵니다. 층마다 반쪽을 바꾸어야 합니다.
# 4. 최솟값을 검은색, 최댓값을 흰색으로 맞추어 그립니다. 값이 데이터의 범위 [−1, 1]을 벗어나도 그림에서는 보이지
#    않습니다.
# 5. 학습에 쓰지 않은 시험 집합이 없고, 시드도 없습니다. 과적합인지 알 수 없고, 다시 해도 같은 결과가 나오지 않습니다.
# 6. **버그가 아닙니다.** 결합층은 y1 = x1이므로 통과한 뒤에 계산해도 같은 s가 나옵니다. 두 번 계산하는 낭비일
#    뿐입니다.
# %% bugs-answers [markdown] lang="en" tags=["solution"]
# **Answers**
#
# 1. The log-determinant is summed over the whole batch: 5 layers × 392 pixels × 64 images = 125,440 values of `tanh`,
#    each below 1. So −123,000 is a saturated `tanh` (s is 1.000 on average), not learning: stretching everything
#    lowers the loss. A log-determinant is one number an image, of shape `(B,)`.
# 2. The MSE is some two thousand, about a fiftieth of the loss: values far too large do not make it stop the
#    stretching. And it compares the output with the **input**: that is no likelihood. Maximum likelihood is −(1/B) Σ
#    [log p_Z(f(x)) + log|det ∂f/∂x|]; its ½‖z‖² makes stretching cost something.
# 3. All layers keep the same half. Pixels 0..391 never change, neither in training nor in sampling: noise goes in,
#    noise comes out. The halves must alternate.
# 4. It draws the smallest value black and the largest white, so one cannot see that values leave the data's range
#    [−1, 1].
# 5. There is no test set and no seed: overfitting would go unnoticed, and nobody gets the same result again.
# 6. **No bug.** A coupling has y1 = x1, so the same s comes out afterwards. It only costs the work twice.
# %% plane-heading [markdown] lang="ko"
# ## 12–22분: 2차원에서 보기
#
# 2차원에서는 밀도를 눈으로 볼 수 있습니다. 반달 두 개(moons)를 RealNVP로 세 에포크만 배웁니다. 아래 셀이 도는 동안
# `print(flow)`가 보여 주는 층의 표를 읽어 봅니다. 결합층마다 어느 쪽이 바뀝니까?
# %% plane-heading [markdown] lang="en"
# ## 12–22 min: two dimensions
#
# On the plane a density can be seen. A RealNVP learns two moons, for three epochs only. While the cell runs, read the
# table of layers: which half does each coupling change?
# %% plane-train
moons = diffeo.data.load("moons")
torch.manual_seed(SEED)
flow = diffeo.RealNVP(2, couplings=8, width=32)
print(flow)
result = diffeo.fit(flow, moons, epochs=3, batch_size=256, lr=5e-3, seed=SEED, progress=False)
print("validation, nats:", [round(record["validation"], 3) for record in result.history])
# %% plane-density
trained = diffeo.load("realnvp-moons")  # 오래 학습한 것  # ko
trained = diffeo.load("realnvp-moons")  # trained for longer  # en
across = torch.linspace(-4, 4, 300)
grid = torch.cartesian_prod(across, across)
cell_area = float(across[1] - across[0]) ** 2

figure, axes = plt.subplots(1, 4, figsize=(14, 3.6), sharex=True, sharey=True, layout="constrained")
axes[0].scatter(*moons.test.x[:3000].T, s=2, color="#777777")
axes[1].scatter(*trained.sample(3000, generator=torch.Generator().manual_seed(SEED)).T, s=2, color="#d55e00")
for axis, some in ((axes[2], trained), (axes[3], flow)):
    with torch.no_grad():
        density = some.log_prob(grid).exp().view(300, 300)
    axis.imshow(density.T, origin="lower", extent=(-4, 4, -4, 4), cmap="viridis")
    print(f"sum of p(x) * area = {density.sum() * cell_area:.4f}   largest p(x) = {density.max():.3f}")
for axis, title in zip(axes, ("data", "samples: realnvp-moons", "p(x): realnvp-moons", "p(x): 3 epochs"), strict=True):
    axis.set(title=title, aspect="equal", xlim=(-4, 4), ylim=(-4, 4))
plt.show()
# %% plane-questions [markdown] lang="ko"
# **생각해 볼 것**
#
# * 덜 학습된 흐름의 밀도도 합이 1에 가깝습니다. 정확한 것은 **모델의 우도**이고, 배운 분포가 맞는지는 별개입니다.
# * 밀도는 확률이 아닙니다. 밀도는 1보다 커질 수 있고 단위가 있습니다. 데이터를 10으로 나누면 p(x)는 몇 배가 됩니까?
# * 두 반달 사이에 가는 다리가 남습니다. 연속인 가역 변환은 한 덩어리를 두 덩어리로 끊을 수 없기 때문입니다.
# %% plane-questions [markdown] lang="en"
# **To think about**
#
# * The badly trained flow has a sum close to 1 as well: what is exact is **the model's likelihood**. Whether it has
#   learnt the right distribution is another matter.
# * A density is not a probability: it can exceed 1, and it has units. If the data were divided by 10, what would p(x)
#   be?
# * A thin bridge stays between the moons: a continuous invertible map cannot tear one piece into two.
# %% plane-layers
x = moons.test.x[:2000]
colour = x[:, 0]
with torch.no_grad():
    steps = list(trained.bijection.steps(x))
print(f"log p(x[0]) = {trained.log_prob(x[:1]).item():.4f}")
parts = trained.base.log_prob(steps[-1].z)[0] + sum(step.log_det[0] for step in steps)
print(f"log p(z[0]) + sum of log_det = {parts:.4f}")

couplings = [step for step in steps if isinstance(step.layer, diffeo.Coupling)]
figure, axes = plt.subplots(1, 5, figsize=(14, 3), layout="constrained")
every = len(couplings) // 4
shown = [x, *(couplings[i * every - 1].z for i in (1, 2, 3)), steps[-1].z]
for axis, points, title in zip(axes, shown, ("x", "1/4", "2/4", "3/4", "z"), strict=True):
    axis.scatter(*points.T, s=2, c=colour, cmap="viridis")
    axis.set(title=title)
plt.show()
# %% plane-moving [markdown] lang="ko"
# **움직이는 그림.** 같은 일을 기저 분포에서 데이터 쪽으로 보면 다음과 같습니다. 위는 정규 분포에서 뽑은 점이고,
# 아래는 격자입니다. 격자의 선은 휘기만 할 뿐 서로 만나거나 끊어지지 않습니다. 왜 그렇습니까?
# %% plane-moving [markdown] lang="en"
# **Moving pictures.** The same from the base to the data: first points of a normal distribution, then a grid. The
# grid's lines bend, but none of them ever breaks or meets itself. Why?
# %% plane-moving-pictures
moving = material() / "figures" / LANGUAGE
display(*(Image(filename=moving / f"{name}.gif") for name in ("gaussian-layers", "grid-layers")))
# %% plane-autograd [markdown] lang="ko"
# **로그 행렬식을 의심해 보기.** 층이 알려 준 `log_det`이 맞는지는 자동 미분으로 야코비안 행렬식을 직접 구해
# 확인합니다.
# %% plane-autograd [markdown] lang="en"
# **Doubt the log-determinant.** Whether a layer's `log_det` is right can be checked with autograd's Jacobian.
# %% plane-slogdet
exact = trained.double()
point = moons.test.x[0].double()
jacobian = torch.func.jacrev(lambda p: exact.bijection.encode(p[None])[0][0])(point)
_, log_det = exact.bijection.encode(point[None])
print(f"slogdet: {torch.linalg.slogdet(jacobian)[1].item():.10f}   log_det: {log_det.item():.10f}")


# %% write-heading [markdown] lang="ko"
# ## 22–32분: 네 함수 쓰기
#
# 과제의 함수 가운데 네 가지를 지금 씁니다. 약속은 하나입니다. `forward(x) -> (z, log_det)`는 **데이터에서 잡음으로**
# 가고, `log_det`의 단위는 nat, 모양은 `(B,)`입니다. 함수마다 바로 아래의 셀이 채점합니다. 통과할 때까지 고칩니다.
# 시간이 모자라면 다음으로 넘어갑니다. 뒤의 내용은 이 함수들 없이도 실행됩니다.
# %% write-heading [markdown] lang="en"
# ## 22–32 min: write four functions
#
# Four functions of the assignment, now. One convention: `forward(x) -> (z, log_det)` goes **from data to noise**, and
# `log_det` is in nats, of shape `(B,)`. The cell below each function checks it: mend it until it passes. When time is
# short, go on; what follows runs without them.
# %% write-coupling [markdown] lang="ko"
# ### 1. 아핀 결합층: 앞으로
#
# `mask`는 모양이 `(D,)`이고 1이면 유지, 0이면 변환입니다. 유지하는 쪽 `mask * x`를 조건 신경망(conditioner)에 넣으면
# `(raw, shift)`가 나오고, 모양은 둘 다 `(B, D)`입니다. 로그 스케일은 `tanh(raw)`입니다. 변환하는 자리에서는 z = x ·
# exp(log_scale) + shift, 유지하는 자리에서는 z = x입니다.
# %% write-coupling [markdown] lang="en"
# ### 1. Affine coupling, forward
#
# `mask` has shape `(D,)`: 1 is kept, 0 is changed. The network takes what is kept, `mask * x`, and returns `(raw,
# shift)`, both `(B, D)`. The log-scale is `tanh(raw)`. Where x is changed, z = x · exp(log_scale) + shift; where it
# is kept, z = x.
# %% write-coupling-forward tags=["student"]
def coupling_forward(x, mask, network):
    raw, shift = network(mask * x)
    # 할 일: log_scale, z, log_det을 구합니다 (세 줄). 유지하는 자리의 log_scale과 shift는 0입니다.  # ko
    # To do: log_scale, z and log_det (three lines). Where x is kept, log_scale and shift are 0.  # en
    raise NotImplementedError("coupling_forward")


# %% write-coupling-forward tags=["solution"]
def coupling_forward(x, mask, network):
    raw, shift = network(mask * x)
    log_scale = (1 - mask) * torch.tanh(raw)
    z = x * torch.exp(log_scale) + (1 - mask) * shift
    return z, log_scale.sum(dim=1)


# %% write-coupling-forward-check
passed = {"coupling_forward": check("coupling_forward", coupling_forward, LANGUAGE)}


# %% write-inverse [markdown] lang="ko"
# ### 2. 아핀 결합층: 거꾸로
#
# 신경망의 역함수는 필요 없습니다. 유지한 쪽은 그대로 있으므로 같은 입력을 다시 넣으면 됩니다.
# %% write-inverse [markdown] lang="en"
# ### 2. Affine coupling, backward
#
# The network is never inverted: what was kept is still there, so it gets the same input again.
# %% write-coupling-inverse tags=["student"]
def coupling_inverse(z, mask, network):
    # 할 일: x를 돌려줍니다  # ko
    # To do: return x  # en
    raise NotImplementedError("coupling_inverse")


# %% write-coupling-inverse tags=["solution"]
def coupling_inverse(z, mask, network):
    raw, shift = network(mask * z)
    log_scale = (1 - mask) * torch.tanh(raw)
    return (z - (1 - mask) * shift) * torch.exp(-log_scale)


# %% write-coupling-inverse-check
passed["coupling_inverse"] = check("coupling_inverse", coupling_inverse, LANGUAGE)


# %% write-bits [markdown] lang="ko"
# ### 3. 역양자화(dequantization)와 차원당 비트 수(bits/dim)
#
# 정수 0 .. values−1에 [0, 1) 잡음 `noise`를 더하고 `values`로 나누어 [0, 1)로 옮깁니다. 그 y의 로그 밀도에서 정수의
# bits/dim을 구합니다. 정수 한 칸의 폭이 y에서는 1/values입니다. 그래서 차원마다 상수 하나가 붙습니다. **종이에 먼저
# 적어 봅니다.** y가 고르게 분포하면(log p(y) = 0) bits/dim은 얼마여야 합니까?
# %% write-bits [markdown] lang="en"
# ### 3. Dequantization and bits/dim
#
# Add noise in [0, 1) to integers 0 .. values−1 and divide by `values`, which gives y in [0, 1). From its log density
# come the bits/dim of the integers: one integer is 1/values wide in y, hence a constant for every dimension. **On
# paper first:** if y is uniform (log p(y) = 0), what must the bits/dim be?
# %% write-dequantize tags=["student"]
def dequantize(x, values, noise):
    # 할 일  # ko
    # To do  # en
    raise NotImplementedError("dequantize")


def bits_per_dim(log_prob_of_y, values, dimensions):
    # 할 일: log_prob_of_y의 단위는 nat, 모양은 (B,)  # ko
    # To do: log_prob_of_y is in nats, (B,)  # en
    raise NotImplementedError("bits_per_dim")


# %% write-dequantize tags=["solution"]
def dequantize(x, values, noise):
    return (x + noise) / values


def bits_per_dim(log_prob_of_y, values, dimensions):
    return -log_prob_of_y / (dimensions * math.log(2)) + math.log2(values)


# %% write-dequantize-check
passed["dequantize"] = check("dequantize", dequantize, LANGUAGE)
passed["bits_per_dim"] = check("bits_per_dim", bits_per_dim, LANGUAGE)


# %% write-loss-text [markdown] lang="ko"
# ### 4. 손실
#
# 기저 분포가 N(0, I)일 때 음의 로그 우도를 배치에 대해 평균한 값입니다(단위 nat). 상수 ½ log 2π를 잊지 않습니다.
# %% write-loss-text [markdown] lang="en"
# ### 4. The loss
#
# The negative log-likelihood under N(0, I), averaged over the batch, in nats. Do not forget ½ log 2π.
# %% write-loss tags=["student"]
def loss(z, log_det):
    # 할 일: z는 (B, D), log_det은 (B,), 결과는 수 하나  # ko
    # To do: z is (B, D), log_det is (B,), the result one number  # en
    raise NotImplementedError("loss")


# %% write-loss tags=["solution"]
def loss(z, log_det):
    log_prob_z = -0.5 * (z**2 + math.log(2 * math.pi)).sum(dim=1)
    return -(log_prob_z + log_det).mean()


# %% write-loss-check
passed["loss"] = check("loss", loss, LANGUAGE)
# %% write-together [markdown] lang="ko"
# **네 함수를 한데 모으면** 흐름 하나가 됩니다. 체커보드 마스크(checkerboard mask)를 번갈아 쓰는 결합층 여섯 개로
# digits를 배웁니다. 값은 17개이고, 고르게 찍으면 log₂17 = 4.09 bits/dim입니다.
# %% write-together [markdown] lang="en"
# **Your functions together** are a flow: six couplings with alternating checkerboard masks learn the digits. There
# are 17 values, so that a uniform guess costs log₂17 = 4.09 bits/dim.
# %% write-train
board = 1 - (torch.arange(8)[:, None] + torch.arange(8)).remainder(2).flatten().float()
masks = [1 - board, board] * 3
train, test = (part.x.flatten(1) for part in (digits.train, digits.test))
center, spread = (train / 17).mean(0), (train / 17).std(0) + 0.05


def encode(x, networks):
    y = dequantize(x, 17, torch.rand(x.shape))
    z, log_det = (y - center) / spread, -spread.log().sum()
    for mask, network in zip(masks, networks, strict=True):
        z, change = coupling_forward(z, mask, lambda kept, network=network: network(kept).chunk(2, dim=1))
        log_det = log_det + change
    return z, log_det


if all(passed.values()):
    torch.manual_seed(SEED)
    networks = nn.ModuleList(nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128)) for _ in masks)
    optimizer = torch.optim.Adam(networks.parameters(), lr=2e-3)
    for _ in range(401):
        value = loss(*encode(train[torch.randint(len(train), (64,))], networks))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    with torch.no_grad():
        z, log_det = encode(test, networks)
        log_prob = -0.5 * (z**2 + math.log(2 * math.pi)).sum(1) + log_det
    mine = bits_per_dim(log_prob, 17, 64).mean()
    known = {name: round(found.mean, 3) for name, found in baselines(digits).items()}
    print(f"test: {mine:.3f} bits/dim   {known}")
else:
    left = ", ".join(name for name, right in passed.items() if not right)
    print("아직 통과하지 못한 함수:", left, "- 위의 셀을 고쳐 다시 실행하십시오.")  # ko
    print("not right yet:", left, "- mend the cells above and run them again.")  # en
# %% start-heading [markdown] lang="ko"
# ## 32분: 학습 시작
#
# 학습은 **별도의 프로세스**에서 돕니다. 커널을 다시 시작해도 멈추지 않습니다. 이 셀을 두 번 실행해도 하나만 돕니다.
# 새로 하려면(`SEED`를 바꾸었을 때에도) 학습이 끝난 뒤 `runs/lab` 폴더와 `runs/lab.log`를 지웁니다. 커널을 다시
# 시작했으면 맨 위의 두 코드 셀과 이 셀을 실행하고, 하던 곳에서 이어서 합니다. 터미널에서 `diffeo watch runs/lab`을
# 실행하면 곡선이 보입니다.
# %% start-heading [markdown] lang="en"
# ## 32 min: start a training
#
# It runs in a **process of its own** and goes on when the kernel is restarted. Running the cell twice does not start
# two. To begin anew, also with another `SEED`, remove the folder `runs/lab` and `runs/lab.log` once it has ended. After
# a restart of the kernel run the first two code cells and this one, and go on where you were. In a terminal
# `diffeo watch runs/lab` shows the curve.
# %% start-training
training = background.start(
    ["--config", "realnvp-digits", "--seed", str(SEED), *background.length(fast=FAST)], Path("runs/lab")
)
print(training.log)
# %% glow-heading [markdown] lang="ko"
# ## 32–45분: Glow와 편집
#
# 학습이 도는 동안 이미 학습된 Glow를 다룹니다. 먼저 `glow-digits`가 약속을 지키는지 봅니다. 시험 집합의 bits/dim,
# 그리고 인코딩했다가 디코딩하면 정수가 하나도 틀리지 않고 돌아오는지 확인합니다.
# %% glow-heading [markdown] lang="en"
# ## 32–45 min: Glow and editing
#
# Meanwhile, Glows that are trained already. First `glow-digits`: its bits/dim on the test set, and whether every
# integer comes back when it is encoded and decoded.
# %% glow-digits
small = diffeo.load("glow-digits")
x = digits.test.x
back, _ = small.decode(small.encode(x)[0])
known = {name: round(found.mean, 2) for name, found in baselines(digits).items()}
print(f"glow-digits: {small.bits_per_dim(x).mean():.2f} bits/dim   {known}   wrong values: {int((back != x).sum())}")
image_grid(torch.cat([x[:16], small.sample(16, generator=torch.Generator().manual_seed(SEED))]), 17, columns=16)
# %% glow-sample-text [markdown] lang="ko"
# **표본 추출과 온도.** 온도(temperature)는 z에 곱하는 수입니다. 한 줄이 z 하나이고, 왼쪽부터 0, 0.3, 0.6, 0.8,
# 1입니다. 온도 0에서는 모든 줄이 같은 그림입니다. 왜 그렇습니까? 낮은 온도의 그림이 더 깔끔한 대신 잃는 것은
# 무엇입니까?
# %% glow-sample-text [markdown] lang="en"
# **Samples and temperature.** The temperature multiplies z. Every row is one z, at 0, 0.3, 0.6, 0.8 and 1. At 0 all
# rows are alike: why? Colder samples look cleaner: what do they lose?
# %% glow-sample
generator = torch.Generator().manual_seed(SEED)
generated = glow.sample(64, temperature=0.8, generator=generator)
plt.figure(figsize=(5, 5))
plt.imshow(image_grid(generated, 256, columns=8), cmap="gray")
plt.title("Generated Images")
plt.axis("off")
plt.show()
# %% glow-temperature
strip = editing.temperature_strip(glow, glow.base.draw(6, generator), [0, 0.3, 0.6, 0.8, 1])
image_grid(strip.flatten(0, 1), 256, columns=5, pixels=300)
# %% glow-temperature-moving
Image(filename=material() / "figures" / LANGUAGE / "temperature.gif")
# %% glow-interpolation-text [markdown] lang="ko"
# **보간.** 두 표본의 z 사이를 직선으로 잇고 디코딩합니다. 아래 두 줄은 픽셀의 평균(위)과 z의 보간(아래)입니다. 무엇이
# 다릅니까?
# %% glow-interpolation-text [markdown] lang="en"
# **Interpolation.** A straight line between two z, decoded. The first row averages pixels, the second z: what is the
# difference?
# %% glow-interpolation
start, end = generated[:1], generated[9:10]
moved = editing.interpolate(glow, start, end, steps=9)[0]
weights = torch.linspace(0, 1, 9).view(-1, 1, 1, 1)
mixed = ((1 - weights) * start + weights * end).round().byte()
image_grid(torch.cat([mixed, moved]), 256, columns=9)
# %% glow-direction-text [markdown] lang="ko"
# **속성 방향.** 표본의 z에서 굵기(thickness)와 함께 변하는 방향을 찾고, 그 방향으로 −2에서 +2 표준편차까지 옮깁니다.
# `score`는 방향을 찾는 데에 쓰지 않은 이미지에서 잰 상관계수입니다.
# %% glow-direction-text [markdown] lang="en"
# **Attribute directions.** In which direction of z do strokes get thicker? Found on samples, then followed from −2 to
# +2 standard deviations. `score` is the correlation on images that were not used to find it.
# %% glow-direction
drawn = torch.cat([images, generated])
latents = editing.encode_images(glow, drawn)
direction = editing.find_direction(latents, editing.thickness(editing.grey(drawn)), attribute="thickness")
print(f"{direction.attribute}: score {direction.score:.2f} ({direction.rows} images)")
sweep = editing.sweep(glow, generated[:4], direction, [-2, -1, 0, 1, 2])
image_grid(sweep.flatten(0, 1), 256, columns=5, pixels=300)
# %% glow-class-text [markdown] lang="ko"
# **스타일 변환.** 클래스를 조건으로 받는 Glow(`glow-mnist-classes`)에서는 z가 클래스를 뺀 나머지, 곧 필체를 담습니다.
# 한 클래스로 인코딩하고 다른 클래스로 디코딩하면 같은 필체의 다른 숫자가 됩니다. 한 장의 내용을 다른 그림의 화풍으로
# 옮기는 스타일 전이(style transfer)와는 다른 것입니다. 실패한 칸도 찾아 봅니다.
# %% glow-class-text [markdown] lang="en"
# **Style.** A Glow conditioned on classes (`glow-mnist-classes`) leaves in z what the class does not say: the hand.
# Encoded under one class and decoded under another, an image becomes another digit in the same hand. This is not
# style transfer, which repaints one picture in the manner of another. Look for failures as well.
# %% glow-class
by_class = diffeo.load("glow-mnist-classes")
labels = torch.tensor([3, 7, 4])
hands = by_class.sample(3, labels, temperature=0.8, generator=torch.Generator().manual_seed(SEED))
targets = torch.arange(10).repeat(3)
edited = editing.change_class(by_class, hands.repeat_interleave(10, 0), labels.repeat_interleave(10), targets)
rows = [torch.cat([hands[i : i + 1], edited[10 * i : 10 * i + 10]]) for i in range(3)]
image_grid(torch.cat(rows), 256, columns=11)
# %% read-heading [markdown] lang="ko"
# ## 45–50분: 자기 결과 읽기
#
# 아직 학습이 끝나지 않았으면 길어야 5분을 기다리고, 그래도 끝나지 않으면 지금까지의 곡선을 그립니다.
# %% read-heading [markdown] lang="en"
# ## 45–50 min: read your result
#
# If the training still runs, this waits for five minutes at most, and then shows what there is.
# %% read-result
training.wait(seconds=300)
run = read_run(training.folder) if (training.folder / "run.json").exists() else None
if run is None or not run.history:
    print(training.log.read_text(encoding="utf-8", errors="replace")[-1500:])
else:
    epochs = [record["epoch"] for record in run.history]
    plt.figure(figsize=(6, 3.5))
    plt.plot(epochs, [record["train"] for record in run.history], ".-", color="#0072b2", label="train")
    plt.plot(epochs, [record["validation"] for record in run.history], ".--", color="#d55e00", label="validation")
    plt.xlabel("epoch")
    plt.ylabel("bits/dim (17 values)")
    plt.legend()
    plt.show()
# %% read-numbers
if run is not None and run.summary is not None:
    print(f"test: {run.summary['test_bits_per_dim']:.3f} ± {run.summary['standard_error']:.3f} bits/dim (17 values)")
    for name, found in baselines(digits).items():
        print(f"{name}: {found.mean:.3f}")
    mine = run.load_flow()
    picture = image_grid(mine.sample(64, temperature=0.8, generator=torch.Generator().manual_seed(SEED)), 17, columns=8)
else:
    print("학습이 아직 끝나지 않았습니다. 끝난 뒤 이 셀과 위의 셀을 다시 실행하십시오.")  # ko
    print("The training has not ended yet. Run this cell and the one above again when it has.")  # en
    picture = None
picture
# %% read-questions [markdown] lang="ko" tags=["student"]
# **할 일.** 세 문장으로 적습니다.
#
# 1. 내 bits/dim은 어느 기준선보다 낮습니까? 값의 개수(17)를 함께 적습니다.
# 2. 학습 곡선과 검증 곡선은 언제 갈라집니까?
# 3. 표본에서 무엇이 잘되고 무엇이 안 됩니까?
# %% read-questions [markdown] lang="en" tags=["student"]
# **To do.** Three sentences.
#
# 1. Which baselines do your bits/dim beat? Name the number of values (17).
# 2. When do the curves of training and validation part?
# 3. What do the samples get right, and what not?
# %% read-answers [markdown] lang="ko" tags=["solution"]
# **예시 답안**
#
# 1. 값이 17개인 digits에서 고른 분포(4.09)와 픽셀별 히스토그램(2.43)보다 낮고, 공분산까지 맞춘 정규 분포(2.31)보다도
#    낮아야 합니다. 히스토그램보다 높다면 학습이 덜 된 것입니다.
# 2. 검증 곡선이 더는 내려가지 않는데 학습 곡선만 내려가기 시작하는 에포크부터 과적합입니다. 보관되는 가중치는 검증
#    손실이 가장 낮았던 때의 것입니다.
# 3. 획의 굵기와 밝기는 데이터와 비슷하지만, 어느 숫자인지 알 수 없는 표본이 섞여 있습니다. 우도가 좋아도 표본이 모두
#    좋은 것은 아닙니다.
# %% read-answers [markdown] lang="en" tags=["solution"]
# **A sample answer**
#
# 1. On the digits with their 17 values they should beat uniform (4.09), the histogram of every pixel (2.43) and the
#    Gaussian with full covariance (2.31). Above the histogram it was trained too little.
# 2. From the epoch on where only the training curve still falls, it overfits. The weights that are kept are those of
#    the lowest validation loss.
# 3. Width and brightness of strokes are like the data's, but some samples are no digit. A good likelihood does not
#    make every sample good.
# %% next [markdown] lang="ko"
# ### 다음에 할 일
#
# 과제는 오늘 쓴 네 함수에서 이어집니다. 집에서 볼 노트북은 `home_glow.ipynb`(부품으로 Glow 만들기),
# `home_editing.ipynb`(편집과 스타일), `home_density.ipynb`(표의 밀도 추정)입니다.
# %% next [markdown] lang="en"
# ### What next
#
# The assignment goes on from today's functions. For home: `home_glow.ipynb` (Glow from parts), `home_editing.ipynb`
# (editing and style), `home_density.ipynb` (the density of a table).
