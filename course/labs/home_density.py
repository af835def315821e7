# %% title [markdown] lang="ko"
# # 집에서 3: 표의 밀도 추정, 그리고 우도가 말해 주지 않는 것
#
# 정규화 흐름은 이미지가 아닌 표에서도 확률 밀도를 추정합니다. 쓰임새는 이상 탐지, 결측값 채우기, 모의 데이터
# 만들기입니다. 표 하나를 골라 밀도를 배우고, 단위를 바꾸면 로그 우도가 어떻게 되는지 계산하고, 우도만 믿으면 틀리는
# 경우를 봅니다. 한 시간쯤 걸립니다.
# %% title [markdown] lang="en"
# # At home 3: the density of a table, and what a likelihood does not say
#
# Flows estimate densities of tables too: to find anomalies, fill in what is missing, simulate data. Learn the density
# of a table, work out what a change of units does to the log-likelihood, and see where trusting a likelihood goes
# wrong. It takes about an hour.
# %% set-up-heading [markdown] lang="ko"
# ## 준비
#
# POWER(가정의 전력 사용량, 2백만 행)의 파일이 `DIFFEO_DATA`에 있으면 그것을 쓰고, 없으면 scikit-learn에 들어 있는
# 유방암 진단 표의 여섯 열을 씁니다. 이 표에서는 **양성(benign)으로 진단된 행만** 학습합니다.
# %% set-up-heading [markdown] lang="en"
# ## Set-up
#
# Where the file of POWER (a household's electricity, two million rows) is in `DIFFEO_DATA` it is used; else six
# columns of the breast-cancer table that comes with scikit-learn. Of that table **only benign rows** are learnt.
# %% set-up
import csv
import math
import os
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score

import diffeo
from diffeo.evaluation import baselines, image_grid, likelihood

LANGUAGE = "ko"  # ko
LANGUAGE = "en"  # en
FAST = os.environ.get("DIFFEO_LAB_FAST") == "1"
EPOCHS = int(os.environ.get("DIFFEO_LAB_EPOCHS", 100))
warnings.filterwarnings("ignore", message="IProgress not found")  # ipywidgets가 없어도 됩니다  # ko
warnings.filterwarnings("ignore", message="IProgress not found")  # ipywidgets is not needed  # en
torch.set_num_threads(min(2, torch.get_num_threads()))
# %% table
power = Path(os.environ.get("DIFFEO_DATA", ".")) / "power"
USE_POWER = power.is_dir() and not FAST
COLUMNS = [
    "mean radius",
    "mean texture",
    "mean smoothness",
    "mean compactness",
    "mean symmetry",
    "mean fractal dimension",
]

source = load_breast_cancer()  # UCI, CC BY 4.0
chosen = [list(source.feature_names).index(name) for name in COLUMNS]
benign = source.data[source.target == 1][:, chosen]
malignant = torch.tensor(source.data[source.target == 0][:, chosen]).float()
with open("benign.csv", "w", newline="", encoding="utf-8") as file:
    csv.writer(file).writerows([COLUMNS, *benign.tolist()])

data = diffeo.data.load("power" if USE_POWER else "table:benign.csv")
print(data.columns)
print("rows:", len(data.train), len(data.validation), len(data.test))
# %% learn-heading [markdown] lang="ko"
# ## 1. 밀도 배우기
#
# 연속인 데이터이므로 역양자화도 bits/dim도 없습니다. 로그 우도의 단위는 nat이고, **열의 단위에 달려 있습니다.**
# 기준선은 공분산까지 맞춘 정규 분포입니다. 행이 수백 개뿐이면 흐름이 정규 분포를 이기지 못할 수도 있습니다. 실제로
# 그런지 봅니다.
# %% learn-heading [markdown] lang="en"
# ## 1. Learn the density
#
# The data is continuous: no dequantization, no bits/dim. Log-likelihoods are in nats and **depend on the units of the
# columns**. The baseline is a Gaussian with full covariance. With a few hundred rows a flow may not beat it: see
# whether it does.
# %% learn
torch.manual_seed(0)
flow = diffeo.RealNVP(data.features, couplings=8, width=32, depth=1, dropout=0.1)
result = diffeo.fit(
    flow, data, epochs=1 if USE_POWER else EPOCHS, batch_size=1024 if USE_POWER else 32, lr=2e-3, progress=False
)
found = likelihood(flow, data.test)
gaussian = baselines(data)["gaussian"]
print(f"RealNVP:  {found} nats")
print(f"Gaussian: {gaussian} nats")

plt.figure(figsize=(6, 3))
for key, style in (("train", ".-"), ("validation", ".--")):
    plt.plot([record[key] for record in result.history], style, label=key)
plt.xlabel("epoch")
plt.ylabel("mean of -log p(x), nats")
plt.legend()
plt.show()


# %% units-heading [markdown] lang="ko"
# ## 2. 단위를 바꾸면
#
# 첫 열의 단위를 1/10로 바꾸면(예: cm를 mm로) 값은 10배가 됩니다. 둘째 열은 단위를 두 배로 바꾸어 값이 절반이 됩니다.
# 로그 우도는 얼마나 변합니까? y = s · x에 변수 변환 공식을 그대로 씁니다. **먼저 부호를 짐작해 봅니다.**
# %% units-heading [markdown] lang="en"
# ## 2. Change the units
#
# In units a tenth as large (mm for cm) the first column's values are ten times as large. The second column gets units
# twice as large, so that its values are halved. What happens to the log-likelihood? Use the change of variables for
# y = s · x. **Guess the sign first.**
# %% units tags=["student"]
def in_other_units(log_prob, factors):
    # 할 일: log_prob (B,)는 x의 것, 열 i는 factors[i]배가 됩니다  # ko
    # To do: log_prob (B,) is of x; column i becomes factors[i] times as large  # en
    raise NotImplementedError("in_other_units")


# %% units tags=["solution"]
def in_other_units(log_prob, factors):
    return log_prob - sum(math.log(abs(factor)) for factor in factors)


# %% units-check
def gaussian_log_prob(rows):
    normal = torch.distributions.MultivariateNormal(rows.mean(0), rows.T.cov())
    return normal.log_prob(rows)


factors = [10.0, 0.5] + [1.0] * (data.features - 2)
rows = data.train.x[:2000].double()
try:
    wanted = gaussian_log_prob(rows * torch.tensor(factors))
    mine = in_other_units(gaussian_log_prob(rows), factors)
    if not isinstance(mine, torch.Tensor) or mine.shape != wanted.shape:
        shape = tuple(mine.shape) if isinstance(mine, torch.Tensor) else type(mine).__name__
        print(f"돌려줄 것: 모양이 {tuple(wanted.shape)}인 텐서, 돌려준 것: {shape}. return이 있습니까?")  # ko
        print(f"It is to return a tensor of shape {tuple(wanted.shape)}, and returns {shape}. Is there a return?")  # en
    else:
        print(f"Gaussian in new units: {wanted.mean():.6f}   in_other_units: {mine.mean():.6f}   ", end="")
        right = bool((wanted - mine).abs().max() < 1e-5)
        print("맞습니다." if right else "다릅니다. 부호와 합을 다시 봅니다.")  # ko
        print("Right." if right else "They differ: look at the sign and the sum again.")  # en
except NotImplementedError as missing:
    print("아직 쓰지 않은 함수:", missing)  # ko
    print("not written yet:", missing)  # en
# %% units-questions [markdown] lang="ko"
# **생각해 볼 것.** 어떤 논문이 로그 우도 12.3을, 다른 논문이 −7.1을 보고했습니다. 두 논문의 표가 같다는 것 말고
# 무엇이 더 같아야 견줄 수 있습니까? (열의 단위와 표준화, 더한 잡음, 시험 행)
# %% units-questions [markdown] lang="en"
# **To think about.** One paper reports a log-likelihood of 12.3, another −7.1. The table is the same: what else must
# be, before they can be compared? (units and standardization of columns, noise added, test rows)
# %% anomaly-heading [markdown] lang="ko"
# ## 3. 이상 탐지에 써 보기
#
# 양성인 행의 밀도만 배운 흐름이 악성인 행을 알아봅니까? 밀도가 낮을수록 이상하다고 하고, 무작위로 고른 악성 행이
# 시험용 양성 행보다 이상하다고 나올 확률(AUC)을 구합니다. 0.5면 동전 던지기입니다. 학습에 쓴 행은 넣지 않습니다.
# %% anomaly-heading [markdown] lang="en"
# ## 3. Find anomalies
#
# Does a flow that has seen only benign rows notice malignant ones? Call a row anomalous where its density is low, and
# compute the probability that a malignant row is more so than a held-out benign one (AUC): 0.5 is a coin. No training
# rows are used.
# %% anomaly
if USE_POWER:
    print("POWER에는 진단이 없습니다. FAST = True로 바꾸고 다시 실행하면 유방암 표를 씁니다.")  # ko
    print("POWER has no diagnosis. With FAST = True the breast-cancer table is used.")  # en
else:
    held_out = torch.cat([data.test.x, data.validation.x])
    with torch.no_grad():
        scores = torch.cat([flow.log_prob(held_out), flow.log_prob(malignant)])
    strange = torch.cat([torch.zeros(len(held_out)), torch.ones(len(malignant))])
    print(f"AUC by -log p(x): {roc_auc_score(strange, -scores):.3f}")
    print(f"AUC by mean radius alone: {roc_auc_score(strange, torch.cat([held_out, malignant])[:, 0]):.3f}")
    plt.figure(figsize=(6, 3))
    bins = torch.linspace(float(scores.quantile(0.02)), float(scores.max()), 40).tolist()
    plt.hist(scores[strange == 0].tolist(), bins, density=True, alpha=0.7, color="#0072b2", label="benign (held out)")
    plt.hist(
        scores[strange == 1].tolist(),
        bins,
        density=True,
        histtype="step",
        color="#d55e00",
        linewidth=2,
        label="malignant",
    )
    plt.xlabel("log p(x), nats")
    plt.legend()
    plt.show()
# %% misleads-heading [markdown] lang="ko"
# ## 4. 우도가 말해 주지 않는 것
#
# `glow-mnist`에 숫자가 아닌 것을 채점하게 합니다. 값은 256개이고, 고르게 찍으면 8 bits/dim입니다. **먼저 순서를 적어
# 봅니다.** 어느 것의 bits/dim이 가장 낮겠습니까(가장 그럴듯하겠습니까)?
# %% misleads-heading [markdown] lang="en"
# ## 4. What a likelihood does not say
#
# Let `glow-mnist` score what is no digit. There are 256 values; a uniform guess costs 8 bits/dim. **Write down an
# order first:** which will have the fewest bits/dim, that is, be likeliest?
# %% misleads
glow = diffeo.load("glow-mnist")
generator = torch.Generator().manual_seed(0)
n = 32 if FAST else 256
small = diffeo.data.load("digits").test.x[:n].float() * 255 / 16
kinds = {
    "samples, temperature 1": glow.sample(n, generator=generator),
    "samples, temperature 0.7": glow.sample(n, temperature=0.7, generator=generator),
    "8x8 digits, enlarged": torch.nn.functional.interpolate(small, size=28, mode="bilinear").round().byte(),
    "all black": torch.zeros(n, 1, 28, 28, dtype=torch.uint8),
    "all grey": torch.full((n, 1, 28, 28), 128, dtype=torch.uint8),
    "noise": torch.randint(0, 256, (n, 1, 28, 28), generator=generator, dtype=torch.uint8),
}
bits = {name: glow.bits_per_dim(x, generator=generator) for name, x in kinds.items()}
for name, found in sorted(bits.items(), key=lambda item: item[1].mean()):
    print(f"{found.mean():7.3f}  {name}")
image_grid(torch.cat([x[:2] for x in kinds.values()]), 256, columns=12)
# %% mixture [markdown] lang="ko"
# **나쁜 표본, 좋은 우도.** 100번 가운데 99번은 잡음을 내고 한 번만 `glow-mnist`를 쓰는 모델의 우도를 구합니다. 혼합의
# 밀도는 흐름의 밀도의 1/100 이상이므로, bits/dim은 많아야 log₂(100)/784만큼 나빠집니다. 계산해 봅니다.
# %% mixture [markdown] lang="en"
# **Bad samples, good likelihood.** A model that gives noise 99 times in 100 and uses `glow-mnist` once. Its density
# is at least a hundredth of the flow's, so it loses at most log₂(100)/784 bits/dim. Compute it.
# %% mixture-bits
own = bits["samples, temperature 1"] * 784 * math.log(2)  # -log P, nats
noise = torch.full_like(own, 784 * math.log(256))
mixed = -torch.logaddexp(math.log(0.01) - own, math.log(0.99) - noise)
nats = 784 * math.log(2)
print(f"flow: {own.mean() / nats:.4f} bits/dim   1% flow, 99% noise: {mixed.mean() / nats:.4f} bits/dim")
print(f"log2(100) / 784 = {math.log2(100) / 784:.4f}")
# %% questions [markdown] lang="ko" tags=["student"]
# **할 일.** 각각 한두 문장으로 답합니다.
#
# 1. 검은 그림은 왜 그렇게 그럴듯하다고 나옵니까? "숫자가 아닌데 우도가 높다"는 것은 모순입니까?
# 2. 3절의 AUC만 보고 이 방법을 병원에서 쓰자고 할 수 있습니까? 무엇을 더 확인해야 합니까?
# 3. 밀도와 확률은 어떻게 다릅니까? 단위를 들어 설명합니다.
# %% questions [markdown] lang="en" tags=["student"]
# **To do.** One or two sentences each.
#
# 1. Why does black come out so likely? Is it a contradiction that what is no digit has a high likelihood?
# 2. Would you propose this for a hospital on the AUC of section 3? What else would you have to know?
# 3. How does a density differ from a probability? Use units.
# %% answers [markdown] lang="ko" tags=["solution"]
# **풀이**
#
# 1. 대부분의 픽셀이 0인 데이터를 배웠으므로 0이 이어지는 그림은 픽셀마다 비용이 거의 들지 않습니다. 밀도가 가장 높은
#    점과 표본이 모여 있는 곳은 다릅니다. 고차원에서는 밀도가 조금 낮아도 부피가 훨씬 큰 곳에 확률이 모입니다(전형
#    집합). 모순이 아닙니다.
# 2. 아닙니다. 열 하나(평균 반지름)만으로 얻는 AUC와 먼저 견주어야 합니다. 이름표가 있는 문제라면 분류기가 알맞고,
#    다른 병원의 표와 측정 오차, 놓친 환자의 비용을 확인해야 합니다.
# 3. 밀도는 단위 부피에 대한 확률이므로 단위가 1/(열의 단위의 곱)이고, 단위를 바꾸면 변하고, 1보다 클 수 있습니다.
#    확률은 영역에 대한 적분이며 단위가 없습니다.
# %% answers [markdown] lang="en" tags=["solution"]
# **Answers**
#
# 1. In the data most pixels are 0, so a run of zeros costs next to nothing. Where a density is highest is not where
#    samples are: in many dimensions the mass gathers where the density is a little lower and the volume far larger
#    (the typical set). No contradiction.
# 2. No. Compare with the AUC of a single column (the mean radius) first. With labels, a classifier is the right tool;
#    and one needs to know how other hospitals measure, and what a missed patient costs.
# 3. A density is probability by volume: its unit is one over the product of the columns' units, it changes with them,
#    and it can exceed 1. A probability is its integral over a region and has no unit.
