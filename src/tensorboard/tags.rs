//! Tags of a training run's figures, in the groups that users of Stable-Baselines3, CleanRL and rsl_rl know, each with what it
//! means. Keys are those of `metrics.jsonl`.

use std::borrow::Cow;

/// A figure: its key in `metrics.jsonl`, its tag, what it means.
type Known = (&'static str, &'static str, &'static str);

const KNOWN: &[Known] = &[
    (
        "return",
        "rollout/ep_rew_mean",
        "Mean return of the training episodes that ended in the iteration, under the training effect, with exploration noise.",
    ),
    (
        "train_success",
        "rollout/success_rate",
        "Share of those episodes that were solved. While the design moves most of them run in the proxy: see eval/success_rate for the true machine.",
    ),
    (
        "episodes",
        "rollout/episodes",
        "Training episodes that ended in the iteration.",
    ),
    (
        "faults",
        "rollout/faults",
        "How many of them the world had to give up, by numbers out of range.",
    ),
    (
        "true_success",
        "eval/success_rate",
        "Share of solved episodes in the true machine, mean actions, on the same starts every time.",
    ),
    ("true_return", "eval/mean_reward", "Mean return of these episodes."),
    (
        "proxy_gap",
        "proxy/gap",
        "Root mean square error of the proxy's task effects on queries that the policy made, in effect scales.",
    ),
    ("proxy_gap_p95", "proxy/gap_p95", "95 % quantile of that error."),
    (
        "proxy_gap_uniform",
        "proxy/gap_uniform",
        "The same error on queries drawn evenly from all there are.",
    ),
    (
        "fidelity_loss",
        "proxy/fidelity_loss",
        "Loss of the proxy's regression on fresh answers of the hardware.",
    ),
    (
        "effect_loss",
        "proxy/effect_loss",
        "PPO's clipped loss of the effect, which moves design or proxy.",
    ),
    (
        "effect_grad_norm",
        "proxy/effect_grad_norm",
        "Global norm of that loss's gradient, before it is clipped.",
    ),
    (
        "alpha",
        "proxy/alpha",
        "Weight of the fidelity loss against the effect's.",
    ),
    (
        "policy_loss",
        "train/policy_gradient_loss",
        "PPO's clipped policy loss.",
    ),
    ("value_loss", "train/value_loss", "Mean squared error of the critic."),
    ("entropy", "train/entropy", "Entropy of the policy's commands, nat."),
    (
        "clip_fraction",
        "train/clip_fraction",
        "Share of samples whose probability ratio was clipped.",
    ),
    (
        "kl",
        "train/approx_kl",
        "Mean KL divergence between the policy before and after the update.",
    ),
    (
        "explained_variance",
        "train/explained_variance",
        "Share of the returns' variance that the critic explains; below 0 it is worse than their mean.",
    ),
    (
        "grad_norm",
        "train/grad_norm",
        "Global norm of policy's and critic's gradient, before it is clipped.",
    ),
    ("rate", "train/learning_rate", "Adam's rate."),
    (
        "extraction_cost",
        "design/extraction_cost",
        "Cost of the design that CMA-ES drew from the proxy.",
    ),
    (
        "design_movement",
        "design/movement",
        "How far the design moved in the iteration, in logits.",
    ),
    (
        "design_deviation",
        "design/deviation",
        "Deviation of the designs that episodes draw, in logits.",
    ),
    (
        "noise_share",
        "design/noise_share",
        "Share of the scheduled noise on effects that is used: less where it costs too much.",
    ),
    ("designs_tested", "design/tested", "Designs tested so far."),
    ("generation", "design/generation", "Generations of CMA-ES so far."),
    (
        "hardware_queries",
        "time/hardware_queries",
        "Queries of the hardware model so far.",
    ),
    ("iteration", "time/iterations", "Iterations so far."),
    (
        "seconds",
        "time/seconds",
        "Seconds of computing so far, over all sessions of the run.",
    ),
];

/// Tag and description of a figure; `None` for what is the step itself or no figure.
pub fn of(key: &str) -> Option<(Cow<'static, str>, &'static str)> {
    if key == "env_steps" {
        return None;
    }
    if let Some((_, tag, about)) = KNOWN.iter().find(|(known, ..)| *known == key) {
        return Some((Cow::Borrowed(tag), about));
    }
    Some(match key.split_once('/') {
        Some(("design", _)) => (Cow::Owned(key.into()), "A parameter of the design, in its unit."),
        Some(("reward_terms", name)) => (
            Cow::Owned(format!("rollout/reward/{name}")),
            "Mean of a reward term per control step, its weight included.",
        ),
        _ if key.starts_with("seconds_") => (
            Cow::Owned(format!("time/{key}")),
            "Seconds of the iteration that went there.",
        ),
        _ => (Cow::Owned(format!("train/{key}")), "A number of the method's own."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_in_the_groups_that_users_know() {
        let groups = ["rollout", "train", "time", "eval", "design", "proxy"];
        for key in [
            "return",
            "kl",
            "seconds",
            "true_success",
            "design/link",
            "proxy_gap",
            "seconds_rollout",
            "novel",
        ] {
            let (tag, about) = of(key).unwrap();
            assert!(
                groups.contains(&tag.split('/').next().unwrap()) && !about.is_empty(),
                "{tag}"
            );
        }
        assert_eq!(of("return").unwrap().0, "rollout/ep_rew_mean");
        assert_eq!(of("env_steps"), None);
    }
}
