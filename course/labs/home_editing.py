# %% title [markdown] lang="ko"
# # 집에서 2: 이미지 편집과 스타일 변환
#
# 정규화 흐름은 이미지를 잠재 변수(latent variable) z로 옮겼다가 잃는 것 없이 되돌립니다. 그래서 z를 고치면 이미지를
# 고칠 수 있습니다. 네 가지를 해 보고, **얼마나 잘되는지 수로 잽니다.** 그림이 그럴듯한 것과 잘되는 것은 다르기
# 때문입니다. 편집할 이미지는 모두 모델이 만든 표본입니다. 한 시간쯤 걸립니다.
# %% title [markdown] lang="en"
# # At home 2: editing images, and style
#
# A flow takes an image to its latent z and back without loss, so an image can be changed by changing z. Four ways to
# do so, and **how well each works, measured**: looking plausible is not the same as working. All images to edit are
# samples of the models. It takes about an hour.
# %% set-up-heading [markdown] lang="ko"
# ## 준비
# %% set-up-heading [markdown] lang="en"
# ## Set-up
# %% set-up
import os

import matplotlib.pyplot as plt
import torch

import diffeo
from diffeo import editing
from diffeo.evaluation import image_grid

LANGUAGE = "ko"  # ko
LANGUAGE = "en"  # en
FAST = os.environ.get("DIFFEO_LAB_FAST") == "1"
N = 120 if FAST else 600

torch.set_num_threads(min(2, torch.get_num_threads()))
glow, by_class = diffeo.load("glow-mnist"), diffeo.load("glow-mnist-classes")
generator = torch.Generator().manual_seed(0)
images = glow.sample(N, temperature=0.8, generator=generator)
z = editing.encode_images(glow, images)
back = editing.decode_images(glow, z)
print("wrong values after encode and decode:", int((back != images).sum()), "of", images.numel())
image_grid(images[:32], 256, columns=16)
# %% levels-heading [markdown] lang="ko"
# ## 1. 어느 수준에 무엇이 들어 있는가
#
# 다중 스케일 구조에서는 z가 수준마다 나누어집니다. 첫 칸이 표본이고, 앞의 네 칸은 거친 수준만 남기고 고운 수준을 새로
# 뽑은 것, 뒤의 네 칸은 고운 수준만 남기고 거친 수준을 새로 뽑은 것입니다. 두 수준의 크기는 같습니다. **숫자는 어디에
# 들어 있습니까?**
# %% levels-heading [markdown] lang="en"
# ## 1. What each level holds
#
# In a multi-scale flow z comes in levels. First the sample, then four with only the coarse level kept and the fine
# one drawn anew, then four the other way round. Both levels are of the same size. **Where is the digit?**
# %% levels
shown = images[:4]
coarse = editing.resample_levels(glow, shown, [0], n=4, generator=generator)
fine = editing.resample_levels(glow, shown, [1], n=4, generator=generator)
print("level shapes:", glow.level_shapes)
for name, drawn in (("coarse kept", coarse), ("fine kept", fine)):
    print(f"{name}: {(drawn.float() - shown[:, None].float()).abs().mean():.1f} grey levels a pixel")
image_grid(torch.cat([shown[:, None], coarse, fine], 1).flatten(0, 1), 256, columns=9)
# %% levels-where [markdown] lang="ko" tags=["solution"]
# **풀이.** 거친 수준에 있습니다. 그것을 두고 고운 수준을 새로 뽑으면 같은 숫자가 거의 그대로 나오고, 반대로 하면 다른
# 숫자가 나옵니다. 픽셀마다 변한 정도도 몇 배로 다릅니다. 차원의 수는 같습니다.
# %% levels-where [markdown] lang="en" tags=["solution"]
# **Answer.** In the coarse level. With that kept and the fine one drawn anew the same digit comes back, almost
# unchanged; the other way round another one comes. The change per pixel differs several times over, though both
# levels have as many dimensions.
# %% path-heading [markdown] lang="ko"
# ## 2. 보간: 직선과 호
#
# 784차원에서 N(0, I)의 표본은 거의 모두 원점에서 √784 = 28만큼 떨어져 있습니다. 직선의 가운데는 그 껍질의 안쪽을
# 지나고, 호는 껍질 위를 지납니다. 온도 0.8로 뽑은 표본이라면 거리는 얼마여야 합니까? 셀은 정수 이미지로 디코딩하고 다시
# 인코딩하여 거리를 잽니다. 짐작과 얼마나 다르고, 왜 다릅니까? 위가 직선, 아래가 호입니다.
# %% path-heading [markdown] lang="en"
# ## 2. Interpolation: straight or along an arc
#
# In 784 dimensions almost all samples of N(0, I) are √784 = 28 away from the origin. The middle of a straight line
# lies inside that shell; an arc stays on it. How far away should samples of temperature 0.8 be? The cell measures it
# after decoding to integers and encoding again: how far off is your guess, and why? The straight line is above, the
# arc below.
# %% path
start, end = images[4:5], images[10:11]
rows = [editing.interpolate(glow, start, end, steps=9, path=path)[0] for path in ("linear", "spherical")]
for path, row in zip(("linear", "spherical"), rows, strict=True):
    lengths = editing.encode_images(glow, row).norm(dim=1)
    print(f"{path}: length of z", [round(float(length), 1) for length in lengths])
image_grid(torch.cat(rows), 256, columns=9)
# %% path-why [markdown] lang="ko" tags=["solution"]
# **풀이.** 온도 0.8이면 0.8 · 28 = 22.4 근처를 기대하지만, 정수로 내린 뒤 칸의 가운데로 다시 인코딩하므로 그 절반
# 안팎이거나 더 짧습니다. 검은 픽셀이 많은 그림에서는 칸 안의 잡음이 길이의 큰 몫을 차지하기 때문입니다. 디코딩한 뒤에
# 다시 잰 길이이므로 호도 가운데에서 짧아지지만, 직선보다는 덜합니다. 편집에는 칸의 가운데가 알맞고, z의 분포를 따질
# 때에는 잡음을 뽑아야 합니다(`encode_images(..., generator=...)`).
# %% path-why [markdown] lang="en" tags=["solution"]
# **Answer.** At temperature 0.8 one expects about 0.8 · 28 = 22.4, yet the lengths are about half of that or less:
# the image was rounded to integers and encoded again at the middle of their cells, and where most pixels are black,
# the noise inside the cells makes up much of the length. As they are measured again after decoding, the arc's also
# shrink towards the middle, though less than the line's. The middle is right for editing; to judge how z is
# distributed draw the noise (`encode_images(..., generator=...)`).
# %% direction-heading [markdown] lang="ko"
# ## 3. 속성 방향
#
# 굵기(thickness, 픽셀)와 기울기(slant, 도)는 그림에서 잴 수 있습니다. 방향은 `means`(z와 속성의 공분산)와
# `probe`(선형 회귀의 법선)의 두 가지로 찾습니다. `score`가 높은 방향이 **편집도 잘합니까?** 옮긴 뒤 속성을 다시 재어
# 확인합니다.
# %% direction-heading [markdown] lang="en"
# ## 3. Attribute directions
#
# Thickness (pixels) and slant (degrees) can be measured on a drawing. Directions are found in two ways: `means` (the
# covariance of z with the attribute) and `probe` (the normal of a linear regression). Does a direction with a better
# `score` **edit better?** Measure the attribute again after the move.
# %% direction
strengths = [-2, -1, 0, 1, 2]
directions = {}
figure, axes = plt.subplots(1, 2, figsize=(10, 3.5), layout="constrained")
for axis, name in zip(axes, ("thickness", "slant"), strict=True):
    measure = editing.ATTRIBUTES[name]
    for method, style in (("means", "o-"), ("probe", "s--")):
        direction = editing.find_direction(z, measure(editing.grey(images)), method=method, attribute=name)
        directions[name, method] = direction
        moved = editing.sweep(glow, images[:24], direction, strengths)
        reached = torch.stack([measure(editing.grey(moved[:, i])).mean() for i in range(len(strengths))])
        axis.plot(strengths, reached, style, label=f"{method}, score {direction.score:.2f}")
    axis.set(xlabel="strength (standard deviations)", ylabel=name)
    axis.legend()
plt.show()
# %% direction-picture
strip = [
    editing.sweep(glow, images[:3], directions[name, "means"], [-3, *strengths, 3]) for name in ("thickness", "slant")
]
image_grid(torch.cat(strip).flatten(0, 1), 256, columns=7)
# %% direction-better [markdown] lang="ko" tags=["solution"]
# **풀이.** 늘 그렇지는 않습니다. `score`는 `probe`가 둘 다 높지만, 굵기는 `probe`가 더 멀리 옮기고 기울기는 `means`가
# 조금 더 멀리 옮깁니다. `score`는 z로 속성을 얼마나 잘 맞히는가를 말하고, z를 옮기면 무엇이 변하는가는 말하지 않습니다.
# %% direction-better [markdown] lang="en" tags=["solution"]
# **Answer.** Not always. `probe` has the better `score` for both, yet it moves thickness further, and slant a little
# less than `means`. A score says how well z tells the attribute, not what a move of z does.
# %% direction-own [markdown] lang="ko" tags=["student"]
# **할 일.** 밝기(`editing.brightness`)의 방향을 찾아 위의 그림에 한 줄을 더합니다. 굵기의 방향과 얼마나 닮았는지
# 코사인 유사도를 구합니다.
# %% direction-own [markdown] lang="en" tags=["student"]
# **To do.** Find the direction of brightness (`editing.brightness`), add a row to the picture, and compute the cosine
# of its angle with that of thickness.
# %% direction-cosine tags=["solution"]
bright = editing.find_direction(z, editing.brightness(editing.grey(images)), attribute="brightness")
thick = directions["thickness", "means"]
print(f"score {bright.score:.2f}   cosine: {torch.cosine_similarity(bright.vector, thick.vector, dim=0):.2f}")
image_grid(editing.sweep(glow, images[:2], bright, [-3, *strengths, 3]).flatten(0, 1), 256, columns=7)
# %% style-heading [markdown] lang="ko"
# ## 4. 스타일 변환: 같은 필체의 다른 숫자
#
# 클래스를 조건으로 받는 흐름에서는 z에 클래스가 들어갈 필요가 없으므로 필체가 남습니다. 한 클래스로 인코딩하고 다른
# 클래스로 디코딩합니다. 기울기와 굵기는 클래스에 따라서도 다르므로, `hold`에 방향을 주면 편집 뒤에 다시 재어 원래대로
# 맞춥니다.
# %% style-heading [markdown] lang="en"
# ## 4. Style: another digit in the same hand
#
# A flow that is told the class need not keep it in z, so z keeps the hand. Encode under one class, decode under
# another. Slant and thickness also differ between classes: what is given in `hold` is measured after the edit and
# brought back.
# %% style
labels = torch.arange(10).repeat_interleave(4)
hands = by_class.sample(40, labels, temperature=0.8, generator=torch.Generator().manual_seed(1))
targets = (labels + 1 + torch.arange(40) % 9) % 10
latents = editing.encode_images(by_class, hands, labels)
hold = [
    editing.find_direction(latents, editing.ATTRIBUTES[name](editing.grey(hands)), attribute=name)
    for name in ("slant", "thickness")
]
plain = editing.change_class(by_class, hands, labels, targets)
held = editing.change_class(by_class, hands, labels, targets, hold=hold)
print("wanted:", *targets[::4].tolist())
image_grid(torch.cat([hands[::4], plain[::4], held[::4]]), 256, columns=10)


# %% style-measure-text [markdown] lang="ko"
# **얼마나 잘되었습니까?** 바라는 클래스로 보이는 비율과, 기울기와 굵기가 움직인 정도를 잽니다. 심판은 베이즈 정리로
# 구한 P(class | x)입니다. 이 심판에게는 어떤 문제가 있습니까?
# %% style-measure-text [markdown] lang="en"
# **How well did it work?** The share that is seen as the class wanted, and how far slant and thickness moved. The
# judge is P(class | x) by Bayes' rule. What is wrong with this judge?
# %% style-measure
def judge(x):
    with torch.no_grad():
        return by_class.class_posterior(x, by_class.draw_noise(x, generator), batch_size=64)


print(f"samples seen as their class: {(judge(hands).argmax(1) == labels).float().mean():.0%}")
wanted = {}
for name, edited in (("plain", plain), ("held", held)):
    posterior = judge(edited)
    seen = posterior.argmax(1)
    wanted[name] = posterior[torch.arange(len(edited)), targets]  # P(class wanted | x)
    moved = {
        attribute: (measure(editing.grey(edited)) - measure(editing.grey(hands))).abs().mean().item()
        for attribute, measure in editing.ATTRIBUTES.items()
    }
    print(
        f"{name}: reached {(seen == targets).float().mean():.0%}  ",
        {key: round(value, 2) for key, value in moved.items()},
    )
# %% style-failures [markdown] lang="ko"
# **실패한 것도 봅니다.** 심판이 보기에 바라는 클래스일 확률이 가장 낮은 편집 열 장입니다(위: 원본, 아래: 편집한 것).
# 심판이 옳다고 한 것 가운데 틀린 것은 없습니까?
# %% style-failures [markdown] lang="en"
# **Look at failures.** The ten edits that the judge finds least like the class wanted: above the original, below the
# edit. Does the judge pass any that you would not?
# %% style-failures-picture
worst = torch.cat([wanted["plain"], wanted["held"]]).argsort()[:10]
print("wanted:", *targets.repeat(2)[worst].tolist())
print("P(wanted | x):", *(f"{p:.2f}" for p in torch.cat([wanted["plain"], wanted["held"]])[worst]))
image_grid(torch.cat([hands.repeat(2, 1, 1, 1)[worst], torch.cat([plain, held])[worst]]), 256, columns=10)
# %% questions [markdown] lang="ko" tags=["student"]
# **생각해 볼 것**
#
# 1. 스타일 변환(속성 조작)과 스타일 전이(style transfer)는 무엇이 다릅니까?
# 2. 심판이 편집한 모델 자신일 때 성공률은 어느 쪽으로 치우칩니까? 무엇을 써야 합니까?
# 3. `hold`를 쓰면 무엇을 얻고 무엇을 잃습니까?
# %% questions [markdown] lang="en" tags=["student"]
# **To think about**
#
# 1. How does a change of style by attributes differ from style transfer?
# 2. When the judge is the edited model itself, which way is the success rate off? What would be better?
# 3. What does `hold` gain, and what does it lose?
# %% answers [markdown] lang="ko" tags=["solution"]
# **풀이**
#
# 1. 스타일 변환은 이미지 한 장의 속성(굵기, 기울기, 클래스)을 z에서 바꾸는 것입니다. 스타일 전이는 한 이미지의 내용을
#    **다른 이미지의 화풍**으로 다시 그리는 것으로, 특징의 통계를 맞추는 방법입니다.
# 2. 모델은 자기가 그린 것을 자기 기준으로 판정하므로 성공률이 높은 쪽으로 치우치기 쉽습니다. 읽을 수 없는 그림에도 1에
#    가까운 확률을 주기도 합니다. 실제 이미지로만 학습한 분류기를 써야 합니다. `diffeo edit measure`가 그렇게
#    합니다(MNIST가 필요합니다).
# 3. 기울기와 굵기는 덜 움직입니다. 그 대신 다시 옮기는 동안 다른 것이 변하고, 바라는 클래스에서 조금 벗어날 수
#    있습니다. 재어 본 수치로 답해야 합니다.
# %% answers [markdown] lang="en" tags=["solution"]
# **Answers**
#
# 1. The first changes attributes of one image (thickness, slant, class) in z. Style transfer repaints the content of
#    one image in the manner of **another image**, by matching statistics of features.
# 2. It judges its own drawing by its own standard, so the rate tends to be too high: it gives a probability near 1
#    even to a drawing that nobody can read. Use a classifier that has seen real images only, as `diffeo edit measure`
#    does (it needs MNIST).
# 3. Slant and thickness move less. But bringing them back changes other things too, and may leave the class wanted.
#    Answer with the measured figures.
