//! The program, started from a process that has its libraries loaded: loading GDAL's takes longer than what most tests
//! want of it. `forkserver.c` says how.

use super::root;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The program with its arguments, used as a `Command` is; `super::command` gives one that is started as a shell does.
pub struct Program {
    command: Command,
    /// The most bytes of address space; 0 for no limit.
    memory: u64,
    /// After so many seconds it is killed; 0 for no limit.
    seconds: u32,
}

impl Program {
    pub fn new() -> Self {
        Self { command: super::command(), memory: 0, seconds: 0 }
    }

    pub fn arg(&mut self, argument: impl AsRef<OsStr>) -> &mut Self {
        self.command.arg(argument);
        self
    }

    pub fn args<S: AsRef<OsStr>>(&mut self, arguments: impl IntoIterator<Item = S>) -> &mut Self {
        self.command.args(arguments);
        self
    }

    pub fn current_dir(&mut self, folder: impl AsRef<Path>) -> &mut Self {
        self.command.current_dir(folder);
        self
    }

    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.command.env(name, value);
        self
    }

    pub fn env_remove(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.command.env_remove(name);
        self
    }

    /// For [`Self::output`]: address space in bytes, and seconds.
    pub fn limits(&mut self, memory: u64, seconds: u32) -> &mut Self {
        (self.memory, self.seconds) = (memory, seconds);
        self
    }

    /// Runs it to its end, with nothing on standard input.
    pub fn output(&mut self) -> std::io::Result<Output> {
        let said = [tempfile::NamedTempFile::new()?, tempfile::NamedTempFile::new()?];
        let [stdout, stderr] = said.each_ref().map(tempfile::NamedTempFile::path);
        let mut server = Server::free()?;
        let status = server.run(&self.request(stdout, stderr)?)?;
        FREE.lock().unwrap_or_else(PoisonError::into_inner).push(server);
        Ok(Output { status, stdout: std::fs::read(stdout)?, stderr: std::fs::read(stderr)? })
    }

    /// What the server wants to know, string after string.
    fn request(&self, stdout: &Path, stderr: &Path) -> std::io::Result<Vec<OsString>> {
        let folder =
            self.command.get_current_dir().map_or_else(std::env::current_dir, |f| Ok(f.to_owned()))?;
        let mut arguments = vec![self.command.get_program().to_owned()];
        arguments.extend(self.command.get_args().map(OsStr::to_owned));
        let mut variables: std::collections::BTreeMap<OsString, OsString> = std::env::vars_os().collect();
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => variables.insert(name.to_owned(), value.to_owned()),
                None => variables.remove(name),
            };
        }
        let mut strings: Vec<OsString> = [folder.as_path(), stdout, stderr].map(Into::into).into();
        strings.extend([self.memory.to_string().into(), self.seconds.to_string().into()]);
        strings.push(arguments.len().to_string().into());
        strings.extend(arguments);
        strings.extend(variables.into_iter().map(|(name, value)| {
            let mut variable = name;
            variable.push("=");
            variable.push(value);
            variable
        }));
        Ok(strings)
    }
}

/// Servers that nobody uses just now. They end with this process, which holds the other end of their standard input.
static FREE: Mutex<Vec<Server>> = Mutex::new(Vec::new());

/// A process with the program's libraries loaded.
struct Server {
    requests: ChildStdin,
    answers: ChildStdout,
}

impl Server {
    /// One that nobody uses, or a new one.
    fn free() -> std::io::Result<Self> {
        if let Some(server) = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(server);
        }
        let mut command = super::command();
        command.env("LD_PRELOAD", library()).env("FORK_SERVER", "1");
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        Ok(Self { requests: child.stdin.expect("piped"), answers: child.stdout.expect("piped") })
    }

    fn run(&mut self, strings: &[OsString]) -> std::io::Result<ExitStatus> {
        let mut request = vec![0; 4];
        for string in strings {
            request.extend(string.as_bytes());
            request.push(0);
        }
        let length = u32::try_from(request.len() - 4).expect("a short request");
        request[..4].copy_from_slice(&length.to_ne_bytes());
        self.requests.write_all(&request)?;
        let mut status = [0; 4];
        self.answers.read_exact(&mut status)?;
        Ok(ExitStatus::from_raw(i32::from_ne_bytes(status)))
    }
}

/// The server's library, built once.
fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        // Under its own name only when it is whole: another run of the tests may build it, too.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let draft = tempfile::NamedTempFile::new_in(folder).unwrap();
        let mut compiler = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".into()));
        compiler.args(["-std=c11", "-O1", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror", "-o"]);
        compiler.arg(draft.path()).arg(root().join("tests/support/forkserver.c")).arg("-ldl");
        let output = compiler.output().unwrap();
        assert!(output.status.success(), "{}", super::stderr(&output));
        let library = folder.join("forkserver.so");
        draft.persist(&library).unwrap();
        library
    })
}
