use std::time::Instant;
use tandem_agents::ppo::*;
use tandem_agents::rollout::*;
use tandem_agents::*;
use tandem_envs::*;
fn main() {
    init_libtorch();
    let mut s = Stream::new(0, "x", 0);
    let (o, c) = (20usize, 5usize);
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        for (rows, mb) in [(2048usize, 32usize), (4096, 8), (20480, 8)] {
            let channels: Vec<_> = (0..c)
                .map(|i| Channel::new(&format!("c{i}"), "1"))
                .collect();
            let space = CommandSpace::Continuous(channels);
            let shape = PolicyShape {
                observations: o,
                command: &space,
                hidden: &[64, 64],
                log_std_start: 0.0,
                normalise: true,
            };
            let mut policy = Policy::new(&shape, &mut s);
            let mut adam = Adam::new(policy.parameters());
            let mut r = Rollout::new(rows);
            r.lanes = 1;
            let mut n = |k: usize| {
                let mut v = vec![0f32; k];
                s.fill_normal(&mut v);
                v
            };
            r.observations = n(rows * o);
            r.commands = n(rows * c);
            r.log_probs = r
                .commands
                .chunks(c)
                .map(|u| -u.iter().map(|x| x * x).sum::<f32>() * 0.5 - 0.9189385 * c as f32)
                .collect();
            r.values = n(rows);
            let a = n(rows);
            let ret = n(rows);
            let settings = PpoSettings {
                epochs: 10,
                minibatches: mb,
                ..Default::default()
            };
            let mut order = Stream::new(0, "o", 0);
            let mut best = f64::MAX;
            for _ in 0..3 {
                let t = Instant::now();
                let st = pool.install(|| 0);
                let _ = st;
                pool.install(|| {
                    update(
                        &mut policy,
                        &mut adam,
                        &settings,
                        3e-4,
                        &r,
                        &a,
                        &ret,
                        None,
                        &mut order,
                    )
                    .unwrap()
                });
                best = best.min(t.elapsed().as_secs_f64());
            }
            println!(
                "threads {threads} minibatch {:5}: {:.0} us per minibatch, {:.3} us per row",
                rows / mb,
                best * 1e6 / (10 * mb) as f64,
                best * 1e6 / (10 * rows) as f64
            );
        }
    }
}
