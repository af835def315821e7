"""The faults that ``mutants.py`` plants, and the test that must see each."""

from dataclasses import dataclass

BIJECTIONS, FLOWS = "tests/contract/test_bijections.py", "tests/contract/test_flows.py"
SCALES, PARTS = "tests/contract/test_scales.py", "tests/contract/test_parts.py"
ROWS, CHECKS = "tests/contract/test_rows.py", "tests/contract/test_checks.py"
COPIES, STATE = "tests/contract/test_copies.py", "tests/contract/test_state.py"
DECLARED = "tests/contract/test_declarations.py"
FLOW, IO, DOORS = "tests/test_flow.py", "tests/test_io.py", "tests/test_doors.py"


@dataclass(frozen=True)
class Mutant:
    """A fault, and the test that must see it: ``file::test``, or ``file::test[case]``."""

    fault: str
    file: str
    old: str
    new: str
    test: str


MUTANTS = [
    Mutant(
        "the sign of log-det in decode is flipped (ActNorm)",
        "bijections/actnorm.py",
        "return z * (-log_scale).exp() - shift, -log_det",
        "return z * (-log_scale).exp() - shift, log_det",
        f"{BIJECTIONS}::test_log_det_is_autograds_in_both_directions[ActNorm]",
    ),
    Mutant(
        "a log-det term is missing (Logit's division by the number of values)",
        "bijections/logit.py",
        "log_det = (self.log_slope - log_s - log_rest)",
        "log_det = (-log_s - log_rest)",
        f"{BIJECTIONS}::test_log_det_is_autograds_in_both_directions[Logit 256]",
    ),
    Mutant(
        "bits/dim drops a constant (log 2)",
        "flow.py",
        "return -log_p / (math.prod(self.shape) * math.log(2))",
        "return -log_p / math.prod(self.shape)",
        f"{FLOW}::test_bits_per_dim_of_a_model_computed_by_hand",
    ),
    Mutant(
        "couplings never alternate (NICE)",
        "flows/nice.py",
        "coupling(swap=i % 2 == 1 and features > 1)",
        "coupling(swap=False)",
        f"{FLOWS}::test_every_output_depends_on_other_inputs_than_its_own[NICE]",
    ),
    Mutant(
        "ActNorm forgets that it is initialized when it is loaded",
        "bijections/actnorm.py",
        'self.register_buffer("initialized", torch.tensor(False))',
        'self.register_buffer("initialized", torch.tensor(False), persistent=False)',
        f"{FLOW}::test_a_second_initialize_is_refused_and_a_loaded_flow_remembers_the_first",
    ),
    Mutant(
        "encode changes its input (ActNorm)",
        "bijections/actnorm.py",
        "return (x + shift) * log_scale.exp(), log_det",
        "return x.add_(shift) * log_scale.exp(), log_det",
        f"{ROWS}::test_input_is_never_changed[ActNorm-float32]",
    ),
    Mutant(
        "log-det is summed over the batch (Coupling)",
        "bijections/partition.py",
        "return log_det.flatten(1).sum(1)",
        "return log_det.sum().expand(log_det.shape[0])",
        f"{ROWS}::test_a_row_is_the_same_alone_in_half_a_batch_and_in_another[Coupling-float64]",
    ),
    Mutant(
        "a float32 constant in a float64 path (the bound of scales)",
        "elementwise/bound.py",
        "return bound * torch.tanh(raw / bound)",
        "return bound * torch.tanh((raw / bound).float()).to(raw.dtype)",
        f"{SCALES}::test_a_float64_path_tells_apart_what_float32_cannot[Coupling]",
    ),
    Mutant(
        "sampling ignores the generator",
        "bases.py",
        "noise = torch.randn(n, self.features, dtype=self.origin.dtype, device=device, generator=generator)",
        "noise = torch.randn(n, self.features, dtype=self.origin.dtype, device=device)",
        f"{FLOWS}::test_sampling_is_seeded_and_does_not_depend_on_the_chunk[RealNVP of 2]",
    ),
    Mutant(
        "noise reaches the next integer",
        "doors.py",
        "(part + 0.5) / self.parts",
        "(part + 1) / self.parts",
        f"{DOORS}::test_a_noisy_point_stays_in_its_cell",
    ),
    Mutant(
        "the door rounds where it should take the floor",
        "doors.py",
        ".floor().clamp(0, self.values - 1).to(dtype)",
        ".round().clamp(0, self.values - 1).to(dtype)",
        f"{PARTS}::test_every_integer_comes_back_through_its_door",
    ),
    Mutant(
        "1 - s is computed from s (Logit, near white)",
        "bijections/logit.py",
        "self.alpha + slope * x, self.alpha + slope * (self.values - x)",
        "self.alpha + slope * x, 1 - (self.alpha + slope * x)",
        f"{DOORS}::test_the_logit_of_float32_is_right_to_rounding_up_to_white",
    ),
    Mutant(
        "entries beside the diagonal of the 1x1 convolution are unbounded",
        "bijections/conv1x1.py",
        "lower = bounded(self.raw_triangles, LOWER_BOUND).tril(-1) + one",
        "lower = self.raw_triangles.tril(-1) + one",
        f"{SCALES}::test_no_parameters_make_a_mixing_matrix_singular",
    ),
    Mutant(
        "log-det forgets the number of pixels (1x1 convolution)",
        "bijections/conv1x1.py",
        "places = 1 if x.dim() == 2 else x.shape[2] * x.shape[3]",
        "places = 1",
        f"{BIJECTIONS}::test_log_det_is_autograds_in_both_directions[InvertibleConv1x1 image]",
    ),
    Mutant(
        "an inverse that was computed once outlives frozen()",
        "bijections/conv1x1.py",
        "def thaw(self) -> None:\n        self._frozen_inverse = None",
        "def thaw(self) -> None:\n        pass",
        f"{FLOW}::test_frozen_gives_the_same_samples_and_ends",
    ),
    Mutant(
        "a split's prior looks at the noise, not at the kept half, in decode",
        "bijections/split.py",
        "b, log_sigma = self.gaussian.encode(z_b, self._prior_parameters(a, condition))",
        "b, log_sigma = self.gaussian.encode(z_b, self._prior_parameters(z_a.reshape(a.shape), condition))",
        f"{BIJECTIONS}::test_the_round_trip_holds_to_rounding_times_conditioning[Split-float64]",
    ),
    Mutant(
        "the log density of a sample has the wrong sign of log-det",
        "flow.py",
        "return x, self.base.log_prob(z) - log_det",
        "return x, self.base.log_prob(z) + log_det",
        f"{FLOWS}::test_a_sample_has_the_log_density_that_it_is_given[RealNVP of 2]",
    ),
    Mutant(
        "rows are coupled by a batch statistic (Standardize)",
        "bijections/standardize.py",
        "return (x - self.mean) / self.scale, -self.scale",
        "return (x - self.mean - 0 * x.mean(0)) / self.scale, -self.scale",
        f"{ROWS}::test_a_nan_row_stays_one_row[Standardize]",
    ),
    Mutant(
        "a buffer that defines the map is not saved (Standardize's scale)",
        "bijections/standardize.py",
        'self.register_buffer("scale", torch.ones(self.shape))',
        'self.register_buffer("scale", torch.ones(self.shape), persistent=False)',
        f"{BIJECTIONS}::test_options_and_tensors_say_it_all[Standardize-float32]",
    ),
    Mutant(
        "decode puts the pixels of a block elsewhere (Squeeze)",
        "bijections/squeeze.py",
        "parts = torch.stack([first, second, third, fourth], 3)",
        "parts = torch.stack([first, third, second, fourth], 3)",
        f"{BIJECTIONS}::test_the_round_trip_holds_to_rounding_times_conditioning[Squeeze checkerboard-float32]",
    ),
    Mutant(
        "decode applies the permutation again",
        "bijections/permutation.py",
        "z.index_select(1, self.inverse_order)",
        "z.index_select(1, self.order)",
        f"{BIJECTIONS}::test_the_round_trip_holds_to_rounding_times_conditioning[Permutation-float32]",
    ),
    Mutant(
        "scales are bounded on one side only",
        "elementwise/bound.py",
        "return bound * torch.tanh(raw / bound)",
        "return raw.clamp(max=bound)",
        f"{SCALES}::test_huge_parameters_keep_both_directions_finite[Coupling-float32]",
    ),
    Mutant(
        "the base forgets the dimensions in its constant",
        "bases.py",
        "- self.features * HALF_LOG_2PI",
        "- HALF_LOG_2PI",
        f"{FLOWS}::test_log_prob_is_base_plus_log_det[RealNVP of 2-float32]",
    ),
    Mutant(
        "the average over draws of noise is a sum",
        "flow.py",
        "log_p = torch.stack(draws).logsumexp(0) - math.log(samples)",
        "log_p = torch.stack(draws).logsumexp(0)",
        f"{FLOW}::test_bits_per_dim_of_a_model_computed_by_hand",
    ),
    Mutant(
        "a tensor too many in a file is accepted",
        "io.py",
        'faults += [f"extra {name}" for name in tensors if name not in wanted]',
        "faults += []",
        f"{IO}::test_a_file_that_does_not_fit_is_refused",
    ),
    Mutant(
        "an error of a half-precision input is not raised",
        "bijections/bijection.py",
        "if like is not None and x.dtype != like.dtype and not torch.is_autocast_enabled(x.device.type):",
        "if False:",
        f"{CHECKS}::test_another_dtype_is_refused_and_the_error_says_what_to_do[ActNorm-float32]",
    ),
    Mutant(
        "decode couples rows that hold NaN (Coupling)",
        "bijections/coupling.py",
        "changed, log_det = self.elementwise.decode(changed, self.parameters_of(kept, condition))",
        "changed, log_det = self.elementwise.decode(changed + 0 * z.sum(), self.parameters_of(kept, condition))",
        f"{ROWS}::test_a_nan_row_stays_one_row[Coupling]",
    ),
    Mutant(
        "the mean of the batch is subtracted (Standardize)",
        "bijections/standardize.py",
        "return (x - self.mean) / self.scale, -self.scale",
        "return (x - self.mean - 1e-3 * x.mean(0)) / self.scale, -self.scale",
        f"{ROWS}::test_a_row_is_the_same_alone_in_half_a_batch_and_in_another[Standardize-float64]",
    ),
    Mutant(
        "initialize sets half of the log-scale (ActNorm)",
        "bijections/actnorm.py",
        "self.raw_log_scale.copy_(unbounded(-scale.log(), BOUND))",
        "self.raw_log_scale.copy_(unbounded(-0.5 * scale.log(), BOUND))",
        f"{STATE}::test_what_is_initialized_comes_out_with_mean_zero_and_variance_one[ActNorm]",
    ),
    Mutant(
        "samples are drawn with dropout in training mode",
        "flow.py",
        "with self._evaluating(), self.frozen():",
        "with self.frozen():",
        f"{STATE}::test_training_mode_changes_no_sample_and_no_code[RealNVP of 5]",
    ),
    Mutant(
        "encode runs with dropout in training mode",
        "flow.py",
        "@in_evaluation\n    def encode",
        "def encode",
        f"{STATE}::test_training_mode_changes_no_sample_and_no_code[RealNVP of 5]",
    ),
    Mutant(
        "evaluation sets every part to training afterwards",
        "inputs.py",
        "training = [module for module in self.modules() if module.training]",
        "training = list(self.modules())",
        f"{STATE}::test_scoring_changes_no_state_and_keeps_the_mode[Flow]",
    ),
    Mutant(
        "outside its support log-det is finite (Logit)",
        "bijections/logit.py",
        "log_det.masked_fill(outside.flatten(1).any(1), -math.inf)",
        "log_det",
        f"{CHECKS}::test_outside_its_domain_a_density_is_zero_with_finite_gradients[Logit-float32]",
    ),
    Mutant(
        "the marginal density forgets the prior of the classes",
        "flow.py",
        "return (log_prob + self._log_prior(prior, log_prob)).logsumexp(1)",
        "return log_prob.logsumexp(1)",
        f"{FLOWS}::test_classes_are_compared_on_the_same_noise_and_weighted_by_their_prior[NICE conditional]",
    ),
    Mutant(
        "every class is scored on other noise",
        "flow.py",
        "noise = self.draw_noise(x, generator)\n        return torch.stack([self.log_prob(x, c, noise,",
        "pass\n        return torch.stack([self.log_prob(x, c, noise, generator=generator,",
        f"{FLOWS}::test_classes_are_compared_on_the_same_noise_and_weighted_by_their_prior[Glow integers]",
    ),
    Mutant(
        "an inverse declares an exact log-det, whatever is inside",
        "bijections/inverse.py",
        "self.log_det_kind = bijection.log_det_kind",
        'self.log_det_kind = "exact"',
        f"{DECLARED}::test_an_inverse_declares_what_its_bijection_does_the_other_way_round",
    ),
    Mutant(
        "an inverse declares an estimated log-det, whatever is inside",
        "bijections/inverse.py",
        "self.log_det_kind = bijection.log_det_kind",
        'self.log_det_kind = "estimated"',
        f"{DECLARED}::test_a_class_declares_what_the_registry_says[Inverse]",
    ),
    Mutant(
        "a layer loosens its tolerance (1x1 convolution)",
        "bijections/conv1x1.py",
        "tolerance = 128.0",
        "tolerance = 4096.0",
        f"{DECLARED}::test_a_class_declares_what_the_registry_says[InvertibleConv1x1]",
    ),
    Mutant(
        "an inverse is kept over a step of the optimizer (1x1 convolution)",
        "bijections/conv1x1.py",
        "if self._frozen_inverse is not None:",
        "self._frozen_inverse is None and self.freeze()\n        if self._frozen_inverse is not None:",
        f"{COPIES}::test_a_fused_step_is_seen_by_the_next_decode[InvertibleConv1x1]",
    ),
    Mutant(
        "an initialize that fails leaves half of the flow changed",
        "flow.py",
        "except BaseException:\n            self.load_state_dict(before)\n            raise",
        "except BaseException:\n            raise",
        f"{STATE}::test_an_initialize_that_fails_on_the_way_leaves_the_flow_as_it_was[RealNVP of 2]",
    ),
    Mutant(
        "an error inside frozen() leaves the flow frozen",
        "flow.py",
        "try:\n            yield\n        finally:\n            self._frozen -= 1",
        "if True:\n            yield\n            self._frozen -= 1",
        f"{STATE}::test_an_error_inside_frozen_leaves_nothing_frozen[Glow]",
    ),
    Mutant(
        "a coupling sums bfloat16 log-dets under autocast",
        "bijections/coupling.py",
        "return parameters.float() if parameters.dtype.itemsize < 4 else parameters",
        "return parameters",
        f"{CHECKS}::test_log_det_is_as_wide_as_the_input_and_never_narrower_than_float32[Coupling-float32]",
    ),
    Mutant(
        "decode takes any dtype (Standardize)",
        "bijections/standardize.py",
        "self.expect(z, self.mean, self.shape)",
        "pass",
        f"{CHECKS}::test_another_dtype_is_refused_and_the_error_says_what_to_do[Standardize-float32]",
    ),
    Mutant(
        "decode does without its condition (Coupling)",
        "bijections/coupling.py",
        "self.expect_condition(condition)",
        "condition is None or self.expect_condition(condition)",
        f"{CHECKS}::test_a_missing_or_misshapen_condition_is_refused[Coupling conditional]",
    ),
    Mutant(
        "chunks of a batch take the first rows' noise",
        "inputs.py",
        "yield tuple(None if tensor is None else tensor[start : start + rows] for tensor in tensors)",
        "yield tuple(None if t is None else t[start : start + rows] if i < 2 else t[: len(tensors[0][start : start + rows])] for i, t in enumerate(tensors))",  # noqa: E501
        f"{ROWS}::test_a_row_has_the_same_density_and_sample_in_any_batch[RealNVP integers]",
    ),
    Mutant(
        "the scale gets no gradient through z (ActNorm)",
        "bijections/actnorm.py",
        "return (x + shift) * log_scale.exp(), log_det",
        "return (x + shift) * log_scale.exp().detach(), log_det",
        f"{BIJECTIONS}::test_gradients_of_the_parameters_are_finite_differences[ActNorm]",
    ),
    Mutant(
        "the shift gets no gradient through decode (ActNorm)",
        "bijections/actnorm.py",
        "return z * (-log_scale).exp() - shift, -log_det",
        "return z * (-log_scale).exp() - shift.detach(), -log_det",
        f"{BIJECTIONS}::test_gradients_of_the_parameters_are_finite_differences[ActNorm]",
    ),
    Mutant(
        "the levels are named from the finest",
        "bijections/split.py",
        "return [*self.rest.level_shapes(self.half_shape), self.half_shape]",
        "return [self.half_shape, *self.rest.level_shapes(self.half_shape)]",
        f"{BIJECTIONS}::test_declared_shapes_are_the_real_ones[Glow]",
    ),
    Mutant(
        "the noise of initialize ignores its generator",
        "flow.py",
        "elif noise is None and self.door is not None:\n            noise = self.draw_noise(x, generator)",
        "elif noise is None and self.door is not None:\n            noise = self.draw_noise(x)",
        f"{STATE}::test_the_noise_of_initialize_comes_from_its_generator[Glow integers]",
    ),
    Mutant(
        "integers without noise go in at the edge of their cell",
        "flow.py",
        "noise = torch.full(x.shape, 0.5,",
        "noise = torch.full(x.shape, 0.01,",
        f"{FLOWS}::test_integers_come_back_and_need_noise_only_for_likelihoods[Glow integers-float32]",
    ),
    Mutant(
        "rows of NaN enter the statistics of a layer",
        "bijections/moments.py",
        "        x = x[finite]\n",
        "",
        f"{STATE}::test_a_layer_leaves_rows_that_are_not_finite_out[ActNorm]",
    ),
]
