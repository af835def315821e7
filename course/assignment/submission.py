"""10주차 과제 (나) 코드: 빈 곳을 채우십시오.  Week 10, part (b), code: fill in the bodies.

함수 이름과 인자는 바꾸지 않습니다. 도움 함수, 클래스, import는 얼마든지 더해도 됩니다.
Keep the names and arguments of the functions. Add helpers, classes and imports as you like.

방향(direction): forward는 데이터 -> 잡음, inverse는 잡음 -> 데이터.  Forward is data to noise, inverse noise to data.
로그 행렬식(log_det): log |det dz/dx|, 단위는 nat, 모양은 (B,).  In nats, shape (B,), of the direction data to noise.
"""

import math

import torch
from torch import nn

ID = ""  # 학번, student id: "20231234"
NAME = ""  # 이름, name: "홍길동"

EDGE = 1e-3  # logit이 0과 1에서 떨어지는 거리  (how far logit keeps from 0 and 1)


# ---------------------------------------------------------------- 결합층 (coupling layer)


def coupling_forward(x, mask, network):
    """아핀 결합층, 데이터 -> 잡음.  The affine coupling layer, data to noise.

    남기는 값 x_kept = mask * x 로 network를 부르고, 나머지를 바꿉니다.
        raw, shift = network(mask * x);  log_scale = tanh(raw)
        z = mask * x + (1 - mask) * (x * exp(log_scale) + shift)
        log_det = (1 - mask) * log_scale 의 합 (행마다 하나)
    Call network on what is kept and change the rest; log_det is the sum over the changed places, one for each row.

    x: (B, D).  mask: (D,), 1 = 남김(kept), 0 = 바꿈(changed).  network(x_kept) -> (raw, shift), (B, D) 둘(both).
    반환(returns): z (B, D), log_det (B,).
    """
    raise NotImplementedError


def coupling_inverse(z, mask, network):
    """아핀 결합층, 잡음 -> 데이터.  The affine coupling layer, noise to data.

    z의 남긴 값은 x의 남긴 값과 같으므로 network를 뒤집을 필요가 없습니다.
    What was kept is the same in z and in x, so network need not be inverted.

    z: (B, D).  반환(returns): x (B, D).
    """
    raise NotImplementedError


# ---------------------------------------------------------------- 마스크 (masks)


def checkerboard_mask(height, width):
    """체커보드 마스크: 행 + 열이 짝수면 1(남김), 홀수면 0.  Row + column even: 1 (kept); odd: 0.

    반환(returns): float, (height, width).
    """
    raise NotImplementedError


def channel_mask(channels):
    """채널 마스크: 앞쪽 절반은 1(남김), 뒤쪽 절반은 0.  The first half is 1 (kept), the second 0.

    반환(returns): float, (channels,).
    """
    raise NotImplementedError


# ---------------------------------------------------------------- 스퀴즈와 분리 출력 (squeeze, factor-out)


def squeeze(x):
    """스퀴즈: 2×2 블록을 채널 4개로.  Every 2x2 block of pixels becomes four channels.

    채널 c의 블록 안 (i, j) 픽셀은 채널 4 c + 2 i + j 로 갑니다.
    The pixel (i, j) of a block of channel c goes to channel 4 c + 2 i + j.

    x: (B, C, H, W).  반환(returns): (B, 4 C, H/2, W/2).
    """
    raise NotImplementedError


def unsqueeze(x):
    """squeeze의 역변환.  The inverse of squeeze.

    x: (B, 4 C, H, W).  반환(returns): (B, C, 2 H, 2 W).
    """
    raise NotImplementedError


def split(x):
    """분리 출력: 앞쪽 절반 채널은 계속 가고, 뒤쪽 절반은 나갑니다.  The first half goes on, the second leaves.

    x: (B, C, H, W).  반환(returns): goes_on, leaves, 각각(each) (B, C/2, H, W).
    """
    raise NotImplementedError


# ---------------------------------------------------------------- 역양자화와 차원당 비트 수 (dequantization, bits/dim)


def dequantize(x, values, noise):
    """역양자화: 정수 0 .. values - 1 에 [0, 1) 잡음을 더해 [0, 1) 로.  Integers plus noise, scaled to [0, 1).

        y = (x + noise) / values

    x: 정수(integers), 모든 모양(any shape).  noise: [0, 1), x와 같은 모양(x's shape).
    반환(returns): y, x와 같은 모양(x's shape).
    """
    raise NotImplementedError


def bits_per_dim(log_prob_of_y, values, dimensions):
    """차원당 비트 수: y의 로그 우도(nat)에서 정수 x의 것으로.  From log p(y) in nats to bits per dimension of x.

        -log p(y) / (dimensions * ln 2) + log2(values)

    values는 숫자(digits) 17, MNIST 256 입니다.  It is 17 for the digits and 256 for MNIST.
    log_prob_of_y: (B,).  반환(returns): (B,).
    """
    raise NotImplementedError


# ---------------------------------------------------------------- 활성값 정규화 (ActNorm)


def actnorm_initialize(x):
    """첫 배치에서 채널마다 평균 0, 표준편차 1이 되게 하는 값.  What gives each channel of a batch mean 0, variance 1.

    z = (x + bias) * exp(log_scale) 에 쓸 bias, log_scale. 표준편차는 N으로 나눈 것입니다.
    For z = (x + bias) * exp(log_scale), with the standard deviation that divides by N.

    x: (B, C, H, W) 또는(or) (B, C).  반환(returns): bias (C,), log_scale (C,).
    """
    raise NotImplementedError


def actnorm_forward(x, bias, log_scale):
    """z = (x + bias) * exp(log_scale), 채널마다(for each channel).

    (B, C, H, W) 이면 log_det = H * W * log_scale의 합, (B, C) 이면 log_scale의 합.
    log_det is H * W * sum(log_scale) of images, and sum(log_scale) of (B, C).

    반환(returns): z, x와 같은 모양(x's shape); log_det (B,).
    """
    raise NotImplementedError


# ---------------------------------------------------------------- 가역 1×1 합성곱, LU 분해 (invertible 1x1 convolution)


def conv1x1_forward(x, permutation, lower, upper, sign, log_diagonal):
    """가역 1×1 합성곱: 픽셀마다 z = W x, W = P L U.  At every pixel z = W x with W = P L U.

        L = lower의 대각선 아래 + 단위 행렬(identity)
        U = upper의 대각선 위 + diag(sign * exp(log_diagonal))
        log_det = H * W * log_diagonal의 합: 행렬식을 계산하지 않습니다.
    L is what lies below lower's diagonal plus the identity, U what lies above upper's diagonal plus
    diag(sign * exp(log_diagonal)); log_det is H * W * sum(log_diagonal): no determinant is computed.

    x: (B, C, H, W).  permutation, lower, upper: (C, C).  sign, log_diagonal: (C,).
    반환(returns): z (B, C, H, W), log_det (B,).
    """
    raise NotImplementedError


def conv1x1_inverse(z, permutation, lower, upper, sign, log_diagonal):
    """가역 1×1 합성곱의 역변환.  The inverse of the invertible 1x1 convolution.

    역행렬 대신 삼각 방정식을 두 번 풉니다: torch.linalg.solve_triangular.
    Two triangular systems are solved instead of inverting W: torch.linalg.solve_triangular.

    z: (B, C, H, W).  반환(returns): x (B, C, H, W).
    """
    raise NotImplementedError


# ---------------------------------------------------------------- 손실 함수 (loss)


def loss(z, log_det):
    """최대 우도 추정의 손실: 음의 로그 우도의 배치 평균(nat).  The mean negative log-likelihood of the batch, in nats.

        log p(x) = log N(z; 0, I) + log_det;   loss = -mean(log p(x))

    log(2 pi)가 든 상수도 넣습니다.  The constant with log(2 pi) belongs to it.
    z: (B, ...).  log_det: (B,).  반환(returns): 스칼라(scalar).
    """
    raise NotImplementedError


# ---------------------------------------------------------------- 모델 (model)


def logit(y):
    """[0, 1)을 실수 전체로 펴는 가역 변환: 주어진 함수.  Spreads [0, 1) over the real line: given.

    y: (B, D).  반환(returns): x (B, D), log_det (B,).
    """
    y = EDGE + (1 - 2 * EDGE) * y
    log_det = math.log(1 - 2 * EDGE) - y.log() - (-y).log1p()
    return y.log() - (-y).log1p(), log_det.sum(1)


def logit_inverse(x):
    """logit의 역변환: 주어진 함수.  The inverse of logit: given."""
    return (x.sigmoid() - EDGE) / (1 - 2 * EDGE)


class RealNVP(nn.Module):
    """위 함수로 만든 RealNVP: 역양자화한 이미지 y <-> 잡음 z.  RealNVP out of the functions above: y <-> z.

    채점기는 RealNVP()를 인자 없이 만들고 weights.safetensors를 넣습니다. 구조를 바꾸면 기본값도 바꾸십시오.
    The checker builds RealNVP() without arguments and loads weights.safetensors into it: where you change the
    architecture, change the defaults.
    """

    def __init__(self, height=8, width=8, hidden=128, layers=8):
        super().__init__()
        dimensions = height * width
        kept = checkerboard_mask(height, width).flatten()
        masks = [kept if layer % 2 == 0 else 1 - kept for layer in range(layers)]
        self.register_buffer("masks", torch.stack(masks))  # (layers, D)
        self.networks = nn.ModuleList(Conditioner(dimensions, hidden) for _ in range(layers))
        self.bias = nn.Parameter(torch.zeros(dimensions))
        self.log_scale = nn.Parameter(torch.zeros(dimensions))

    def initialize(self, y):
        """ActNorm의 값을 배치 하나로 정합니다.  Set ActNorm's values by one batch."""
        bias, log_scale = actnorm_initialize(logit(y.flatten(1))[0])
        self.bias.data.copy_(bias)
        self.log_scale.data.copy_(log_scale)

    def forward(self, y):
        """데이터 -> 잡음: logit, ActNorm, 결합층들의 순서.  Data to noise: logit, ActNorm, then the couplings.

        y: [0, 1), (B, 1, H, W) 또는(or) (B, D).
        반환(returns): z (B, D), log_det (B,): 모든 층의 합(the sum over all layers).
        """
        raise NotImplementedError

    def inverse(self, z):
        """잡음 -> 데이터: 거꾸로.  Noise to data: backwards.

        z: (B, D).  반환(returns): y (B, D).
        """
        raise NotImplementedError


class Conditioner(nn.Module):
    """조건 신경망: 남긴 값 -> (raw, shift).  From what is kept to (raw, shift); it starts at zero: the identity."""

    def __init__(self, dimensions, hidden):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(dimensions, hidden), nn.ReLU(), nn.Dropout(0.2))
        self.body.extend([nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(0.2)])
        self.head = nn.Linear(hidden, 2 * dimensions)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, kept):
        """kept: (B, D).  반환(returns): raw, shift, 각각(each) (B, D)."""
        return self.head(self.body(kept)).chunk(2, dim=1)
