//! A SLURM of the test's own.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getuid, kill_process};

/// What the daemons may take to be ready.
const READY: Duration = Duration::from_secs(60);

/// A controller and two nodes; they end with it.
pub struct Cluster {
    folder: tempfile::TempDir,
    daemons: Vec<(String, Child)>,
}

impl Cluster {
    /// Starts one; `None`, with a word about it, where it cannot be.
    pub fn start() -> Option<Self> {
        let there = |program: &str| find(program).is_some();
        let missing = ["munged", "slurmctld", "slurmd", "sbatch", "squeue"]
            .into_iter()
            .find(|program| !there(program));
        if let Some(program) = missing {
            eprintln!("left out: there is no `{program}` (Debian: slurmctld slurmd slurm-client munge)");
            return None;
        }
        if !getuid().is_root() {
            eprintln!("left out: SLURM's nodes are started by root");
            return None;
        }
        let mut cluster = Self {
            folder: tempfile::tempdir().unwrap(),
            daemons: Vec::new(),
        };
        cluster.start_munge();
        cluster.configure();
        cluster.daemon("slurmctld", "slurmctld", &["-D"]);
        for node in ["n1", "n2"] {
            cluster.daemon(node, "slurmd", &["-D", "-N", node]);
        }
        cluster.wait_until_ready();
        Some(cluster)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start_munge(&mut self) {
        let key: Vec<u8> = (0..128).map(|i: u32| (i * 37 + std::process::id()) as u8).collect();
        fs::write(self.path("munge.key"), key).unwrap();
        fs::set_permissions(self.path("munge.key"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(self.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let option = |name: &str, file: &str| format!("--{name}={}", self.path(file).display());
        let words = [
            "--foreground".to_owned(),
            "--force".into(),
            option("socket", "munge.socket"),
            option("key-file", "munge.key"),
            option("pid-file", "munge.pid"),
            option("log-file", "munge.log"),
            option("seed-file", "munge.seed"),
        ];
        self.daemon("munged", "munged", &words.each_ref().map(String::as_str));
    }

    fn configure(&self) {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let host = host.trim();
        let folder = self.folder.path().display();
        let held: Vec<TcpListener> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let [controller, first, second]: [u16; 3] = std::array::from_fn(|i| held[i].local_addr().unwrap().port());
        let text = format!(
            "ClusterName=tandem\n\
             SlurmctldHost={host}(127.0.0.1)\n\
             SlurmUser=root\n\
             SlurmdUser=root\n\
             AuthType=auth/munge\n\
             AuthInfo=socket={folder}/munge.socket\n\
             ProctrackType=proctrack/linuxproc\n\
             TaskPlugin=task/none\n\
             JobAcctGatherType=jobacct_gather/none\n\
             AccountingStorageType=accounting_storage/none\n\
             SelectType=select/linear\n\
             SlurmctldPort={controller}\n\
             StateSaveLocation={folder}/state\n\
             SlurmdSpoolDir={folder}/spool-%n\n\
             SlurmctldPidFile={folder}/slurmctld.pid\n\
             SlurmdPidFile={folder}/slurmd-%n.pid\n\
             ReturnToService=2\n\
             SlurmdTimeout=5\n\
             KillWait=2\n\
             MailProg=/bin/true\n\
             SlurmdParameters=config_overrides\n\
             SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1\n\
             NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={first} CPUs=1\n\
             NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={second} CPUs=1\n\
             PartitionName=all Nodes=n1,n2 Default=YES State=UP MaxTime=INFINITE\n"
        );
        fs::create_dir(self.path("state")).unwrap();
        fs::write(self.path("slurm.conf"), text).unwrap();
    }

    fn daemon(&mut self, name: &str, program: &str, words: &[&str]) {
        let log = File::create(self.path(&format!("{name}.out"))).unwrap();
        let mut command = Command::new(find(program).unwrap());
        command
            .args(words)
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log);
        let child = self.know(&mut command).spawn().unwrap();
        self.daemons.push((name.into(), child));
    }

    /// Tells a command about this cluster.
    pub fn know<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("SLURM_CONF", self.path("slurm.conf"))
    }

    fn wait_until_ready(&self) {
        let begun = Instant::now();
        while self
            .answer("sinfo", &["-h", "-N", "-o", "%N %t"])
            .matches("idle")
            .count()
            < 2
        {
            let logs = ["munged", "slurmctld", "n1", "n2"]
                .map(|name| fs::read_to_string(self.path(&format!("{name}.out"))).unwrap_or_default());
            assert!(begun.elapsed() < READY, "SLURM is not ready: {}", logs.join("\n"));
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// What a program of SLURM's prints, whether it succeeds or not.
    pub fn answer(&self, name: &str, words: &[&str]) -> String {
        let output = self.know(&mut Command::new(name)).args(words).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What a program of SLURM's prints.
    #[track_caller]
    pub fn ask(&self, name: &str, words: &[&str]) -> String {
        let output = self.know(&mut Command::new(name)).args(words).output().unwrap();
        assert!(
            output.status.success(),
            "{name} {words:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What the jobs of a sweep have said.
    pub fn logs(&self, sweep: &Path) -> String {
        let entries = fs::read_dir(sweep.join("slurm")).into_iter().flatten().flatten();
        let logs = entries.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "log"));
        logs.map(|entry| fs::read_to_string(entry.path()).unwrap_or_default())
            .collect()
    }

    /// Ends a node as a power cut does: its daemon, what watches over its job, and the job's process.
    pub fn kill_node(&mut self, node: &str, process: u32) {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        let watcher: i32 = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let name = fs::read_to_string(format!("/proc/{watcher}/comm")).unwrap();
        assert_eq!(name.trim(), "slurmstepd", "it is this node's");
        let daemon = self.daemons.iter_mut().find(|(name, _)| name == node);
        let daemon = &mut daemon.unwrap_or_else(|| panic!("there is no node {node}")).1;
        daemon.kill().unwrap();
        daemon.wait().unwrap();
        for id in [watcher, process as i32] {
            kill_process(Pid::from_raw(id).unwrap(), Signal::KILL).unwrap();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.answer("scancel", &["--user=root", "--quiet"]);
        for (_, daemon) in self.daemons.iter_mut().rev() {
            let _ = kill_process(Pid::from_child(daemon), Signal::TERM);
        }
        for (_, daemon) in &mut self.daemons {
            let begun = Instant::now();
            while daemon.try_wait().is_ok_and(|ended| ended.is_none()) && begun.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(50));
            }
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

/// A program, also where those of the administrator are.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    path.split(':')
        .map(|folder| Path::new(folder).join(program))
        .find(|path| path.is_file())
}
