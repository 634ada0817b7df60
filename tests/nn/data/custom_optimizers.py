"""Custom optimizers in the style of MindSpore users; MindSpore 2.10 and sporax both run this file.

`python custom_optimizers.py custom_optimizers.json` under MindSpore's own Python writes the reference (made with
MindSpore 2.10.0, CPU); tests/nn/test_optim_custom.py runs the same with sporax and compares the results.
"""

import json
import sys
from types import SimpleNamespace

import numpy as np

STEPS = 6
SHAPES = {"conv.weight": (3, 2, 2), "fc.weight": (3, 2), "bn.gamma": (3,), "bn.beta": (3,), "fc.bias": (2,)}


def optimizers(ms):
    """Return the optimizer classes for a framework."""
    nn, ops, Tensor, Parameter = ms.nn, ms.ops, ms.Tensor, ms.Parameter

    scale_graph = ops.MultitypeFuncGraph("scale")

    @scale_graph.register("Number", "Tensor")
    def _scale_number(scale, gradient):
        return gradient if scale == 1.0 else gradient * ops.cast(scale, gradient.dtype)

    @scale_graph.register("Tensor", "Tensor")
    def _scale_tensor(scale, gradient):
        return ops.mul(gradient, ops.cast(scale, gradient.dtype))

    @scale_graph.register("Tensor", "RowTensor")
    def _scale_rows(scale, gradient):
        return gradient

    update_graph = ops.MultitypeFuncGraph("update")

    @update_graph.register(*["Tensor"] * 11, "Bool", "Bool")
    def _update(beta1_power, beta2_power, beta1, beta2, eps, lr, decay, weight, m, v, gradient, decays, mine):
        if not mine:
            return gradient
        one = ops.cast(ops.tuple_to_array((1.0,)), ms.float32)
        wide = ops.cast(weight, ms.float32)
        first = ops.mul(beta1, ops.cast(m, ms.float32)) + ops.mul(one - beta1, gradient)
        second = ops.mul(beta2, ops.cast(v, ms.float32)) + ops.mul(one - beta2, ops.square(gradient))
        step = (first / (one - beta1_power)) / (ops.sqrt(second / (one - beta2_power)) + eps)
        if decays:
            step = ops.mul(decay, wide) + step
        new = wide - ops.reshape(ops.mul(lr, step), ops.shape(wide))
        new = ops.depend(new, ops.assign(weight, ops.cast(new, weight.dtype)))
        new = ops.depend(new, ops.assign(m, ops.cast(first, m.dtype)))
        new = ops.depend(new, ops.assign(v, ops.cast(second, v.dtype)))
        return ops.cast(new, weight.dtype)

    class CorrectedAdamW(nn.Optimizer):
        """Updates with hyper_map, with groups, a filter and a scale."""

        def __init__(self, params, learning_rate=1e-3, weight_decay=0.0, loss_scale=1.0, clip=False):
            super().__init__(learning_rate, params, weight_decay)
            self.beta1 = Tensor(np.array([0.9], np.float32))
            self.beta2 = Tensor(np.array([0.95], np.float32))
            self.eps = Tensor(np.array([1e-6], np.float32))
            self.moments1 = self.parameters.clone(prefix="adam_m", init="zeros")
            self.moments2 = self.parameters.clone(prefix="adam_v", init="zeros")
            self.hyper_map = ops.HyperMap()
            self.beta1_power = Parameter(np.ones(1, np.float32), name="beta1_power")
            self.beta2_power = Parameter(np.ones(1, np.float32), name="beta2_power")
            self.reciprocal_scale = Tensor(1.0 / loss_scale, ms.float32)
            self.clip = clip

        def construct(self, gradients):
            lr = self.get_lr()
            gradients = self.map_(ops.partial(scale_graph, self.reciprocal_scale), gradients)
            if self.clip:
                gradients = ops.clip_by_global_norm(gradients, 1.0, None)
            power1 = self.beta1_power * self.beta1
            self.beta1_power = power1
            power2 = self.beta2_power * self.beta2
            self.beta2_power = power2
            fixed = (power1, power2, self.beta1, self.beta2, self.eps)
            trees = (self.parameters, self.moments1, self.moments2, gradients, self.decay_flags, self.optim_filter)
            if self.is_group:
                if self.is_group_lr:
                    result = self.hyper_map(ops.partial(update_graph, *fixed), lr, self.weight_decay, *trees)
                else:
                    result = self.hyper_map(ops.partial(update_graph, *fixed, lr), self.weight_decay, *trees)
            else:
                result = self.hyper_map(ops.partial(update_graph, *fixed, lr, self.weight_decay), *trees)
            if self.use_parallel:
                self.broadcast_params(result)
            return result

    class ScheduledNAdam(nn.Optimizer):
        """Updates in a loop over the Parameters, with decay_weight and a product of momentum factors."""

        def __init__(self, params, learning_rate=2e-3, weight_decay=0.0, loss_scale=1.0):
            super().__init__(learning_rate, params, weight_decay, loss_scale)
            self.beta1, self.beta2 = 0.9, 0.99
            self.moments1 = self.parameters.clone(prefix="nadam_m", init="zeros")
            self.moments2 = self.parameters.clone(prefix="nadam_v", init="zeros")
            self.mu_product = Parameter(ms.common.initializer.initializer(1, [1], ms.float32), name="mu_product")
            self.beta2_power = Parameter(ms.common.initializer.initializer(1, [1], ms.float32), name="beta2_power")

        def construct(self, gradients):
            lr = self.get_lr()
            gradients = self.flatten_gradients(gradients)
            gradients = self.decay_weight(gradients)
            gradients = self.scale_grad(gradients)
            self.assignadd(self.global_step, self.global_step_increase_tensor)
            step = self.global_step.astype(ms.float32)
            mu = self.beta1 * (1.0 - 0.5 * ops.pow(0.96, step * 0.004))
            mu_next = self.beta1 * (1.0 - 0.5 * ops.pow(0.96, (step + 1.0) * 0.004))
            product = self.mu_product * mu
            self.mu_product = product
            power = self.beta2_power * self.beta2
            self.beta2_power = power
            for i in range(self.param_length):
                ops.assign(self.moments1[i], self.beta1 * self.moments1[i] + (1 - self.beta1) * gradients[i])
                ops.assign(
                    self.moments2[i], self.beta2 * self.moments2[i] + (1 - self.beta2) * ops.square(gradients[i])
                )
                first = mu_next * self.moments1[i] / (1 - product * mu_next) + (1 - mu) * gradients[i] / (1 - product)
                second = self.moments2[i] / (1 - power)
                ops.assign(self.parameters[i], self.parameters[i] - lr * first / (1e-8 + ops.sqrt(second)))
            return self.parameters

    sign_graph = ops.MultitypeFuncGraph("sign")

    @sign_graph.register("Float", "Float", "Tensor", "Tensor", "Tensor", "Tensor", "Tensor", "Bool")
    def _sign_update(beta1, beta2, lr, decay, weight, m, gradient, decays):
        step = ops.Sign()(m * beta1 + gradient * (1 - beta1))
        if decays:
            step = step + weight * decay
        ops.assign_sub(weight, lr * step)
        ops.assign(m, m * beta2 + gradient * (1 - beta2))
        return True

    class DecayChangingLion(nn.Optimizer):
        """Sets weight_decay after the base class was initialized without it."""

        def __init__(self, params, learning_rate=1e-2, weight_decay=0.1, loss_scale=1.0):
            super().__init__(learning_rate, params)
            self.weight_decay = Tensor(weight_decay, ms.float32)
            self.moments = self.parameters.clone("lion_m", "zeros")

        def construct(self, gradients):
            # The base class was initialized without decay, so this has no effect.
            gradients = self.decay_weight(gradients)
            lr = self.get_lr()
            result = self.hyper_map(
                ops.partial(sign_graph, 0.9, 0.99, lr, self.get_weight_decay()),
                self.parameters, self.moments, gradients, self.decay_flags,
            )  # fmt: skip
            return result

    class Belief(nn.Optimizer):
        """Calls every helper of the base class, and changes the decay after the base class was initialized with one."""

        def __init__(self, params, learning_rate=1e-2, weight_decay=0.0, loss_scale=1.0):
            super().__init__(learning_rate, params, weight_decay, loss_scale)
            if weight_decay and not self.is_group:
                self.weight_decay = Tensor(2 * weight_decay * loss_scale, ms.float32)
            self.m = self.parameters.clone("exp_avg", "zeros")
            self.s = self.parameters.clone("exp_var", "zeros")

        def construct(self, gradients):
            params, m, s = self.parameters, self.m, self.s
            gradients = self.decay_weight(gradients)
            gradients = self.gradients_centralization(gradients)
            gradients = self.scale_grad(gradients)
            gradients = self._grad_sparse_indices_deduplicate(gradients)
            self.assignadd(self.global_step, self.global_step_increase_tensor)
            rates = self.get_lr()
            for i in range(len(params)):
                lr = rates[i] if self.is_group_lr else rates
                first = m[i] * 0.9 + gradients[i] * 0.1
                second = s[i] * 0.99 + (gradients[i] - first) ** 2 * 0.01 + 1e-8
                m[i].set_data(first)
                s[i].set_data(second)
                params[i].set_data(params[i] - lr * first / (ops.sqrt(second) + 1e-4))
            return True

    return SimpleNamespace(
        CorrectedAdamW=CorrectedAdamW, ScheduledNAdam=ScheduledNAdam, DecayChangingLion=DecayChangingLion, Belief=Belief
    )


def _groups(params, **extra):
    return [
        {"params": [p for p in params if "weight" in p.name], "weight_decay": 0.1, **extra},
        {"params": [p for p in params if "weight" not in p.name]},
        {"order_params": params},
    ]


SCENARIOS = {
    "adamw": lambda o, p: o.CorrectedAdamW(p, 0.02, 0.1),
    "adamw_scaled_clipped": lambda o, p: o.CorrectedAdamW(p, 0.02, 0.1, 128.0, True),
    "adamw_rates": lambda o, p: o.CorrectedAdamW(p, [0.1, 0.05, 0.02, 0.01, 0.005, 0.001], 0.1),
    "adamw_groups": lambda o, p: o.CorrectedAdamW(_groups(p), 0.02, 0.01),
    "adamw_group_rates": lambda o, p: o.CorrectedAdamW(_groups(p, lr=0.1), 0.02, 0.01),
    "nadam": lambda o, p: o.ScheduledNAdam(p, 0.02),
    "nadam_decay": lambda o, p: o.ScheduledNAdam(p, 0.02, 0.1, 64.0),
    "nadam_rates": lambda o, p: o.ScheduledNAdam(p, [0.1, 0.05, 0.02, 0.01, 0.005, 0.001], 0.1),
    "lion": lambda o, p: o.DecayChangingLion(p),
    "lion_no_decay": lambda o, p: o.DecayChangingLion(p, 0.01, 0.0),
    "belief": lambda o, p: o.Belief(p),
    "belief_decay": lambda o, p: o.Belief(p, 0.05, 0.1, 32.0),
    "belief_groups": lambda o, p: o.Belief(_groups(p, grad_centralization=False), 0.05, 0.02),
    "belief_group_rates": lambda o, p: o.Belief(_groups(p, lr=0.1), 0.05, 0.02, 8.0),
}


def run(ms, name):
    """Return every Parameter after the steps, and the attributes of the base class."""
    draw = np.random.RandomState(11)
    params = [ms.Parameter(ms.Tensor(draw.normal(size=s).astype(np.float32)), name=n) for n, s in SHAPES.items()]
    optimizer = SCENARIOS[name](optimizers(ms), params)
    for _ in range(STEPS):
        gradients = {n: (draw.normal(size=s) + 0.2).astype(np.float32) for n, s in SHAPES.items()}
        optimizer(tuple(ms.Tensor(gradients[p.name]) for p in optimizer.parameters))
    values = {p.name: p.asnumpy().tolist() for p in optimizer.get_parameters()}
    facts = {
        "names": [p.name for p in optimizer.parameters],
        "flags": list(optimizer.decay_flags),
        "filter": list(optimizer.optim_filter),
        "is_group": optimizer.is_group,
        "is_group_lr": optimizer.is_group_lr,
        "dynamic_lr": optimizer.dynamic_lr,
        "exec_weight_decay": bool(optimizer.exec_weight_decay),
        "need_scale": optimizer.need_scale,
        "reciprocal_scale": float(optimizer.reciprocal_scale),
        "increase": optimizer.global_step_increase_tensor.asnumpy().tolist(),
    }
    return {"values": values, "facts": facts}


if __name__ == "__main__":
    import mindspore

    results = {each: run(mindspore, each) for each in SCENARIOS}
    with open(sys.argv[1], "w") as file:
        json.dump({"mindspore": mindspore.__version__, "runs": results}, file, separators=(",", ":"))
        file.write("\n")
