//! The recipes of docs/scale.md are carried out as they stand there.

use super::{Field, assert_same};
use crate::support::{command, root, stderr};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The code blocks of a language in the section of this title.
fn blocks(title: &str, language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/scale.md")).unwrap();
    let section = text.split_once(&format!("### {title}\n")).unwrap_or_else(|| panic!("{title}")).1;
    let section = section.split("\n### ").next().unwrap();
    let fence = format!("```{language}\n");
    let blocks = section.split(&fence).skip(1);
    let found: Vec<String> = blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect();
    assert!(!found.is_empty(), "{title} has no {language}");
    found
}

/// A folder in which a recipe runs: `mosaic.toml`, and for those that begin with it `plan.json`; and what one process
/// leaves.
fn field() -> (Field, BTreeMap<String, Vec<u8>>) {
    let field = Field::repaired(256);
    std::fs::rename(field.path("rules.toml"), field.path("mosaic.toml")).unwrap();
    field.done(&["--rules", "mosaic.toml", "--save-plan", "plan.json", "--quiet"]);
    field.done(&["--from-plan", "plan.json", "--quiet"]);
    let one = field.taken();
    (field, one)
}

/// Runs a script with the program on the path, and insists on success.
fn succeeds(field: &Field, shell: &str, script: &str, environment: &[(&str, &str)]) {
    let program = command().get_program().to_owned();
    let folder = Path::new(&program).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let path =
        std::env::join_paths(std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path))).unwrap();
    let mut command = Command::new(shell);
    command.current_dir(field.folder.path()).args(["-c", script]).env("PATH", path);
    command.envs(environment.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{script}\n{}", stderr(&output));
}

/// Whether a program is there; says plainly when it is not.
fn there(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    eprintln!(
        "{program}: {}",
        if there { "there, its recipe is tested" } else { "absent, its recipe is not tested" }
    );
    there
}

#[test]
fn the_shell_loop_and_gnu_parallel_leave_what_one_process_leaves() {
    let (field, one) = field();
    succeeds(&field, "sh", &blocks("A shell loop", "sh")[0], &[]);
    assert_same(&one, &field.taken(), "xargs");
    let script = &blocks("GNU parallel", "sh")[0];
    if there("parallel") {
        succeeds(&field, "sh", script, &[]);
        assert_same(&one, &field.taken(), "parallel");
    }
}

#[test]
fn the_slurm_array_leaves_what_one_process_leaves() {
    let (field, one) = field();
    let script = &blocks("A Slurm array", "bash")[0];
    assert!(script.starts_with("#!/bin/bash\n#SBATCH ") && script.contains("#SBATCH --array=1-40\n"));
    if !there("bash") {
        return;
    }
    for task in ["2", "1", "3"] {
        let slurm =
            [("SLURM_ARRAY_TASK_ID", task), ("SLURM_ARRAY_TASK_COUNT", "3"), ("SLURM_CPUS_PER_TASK", "1")];
        succeeds(&field, "bash", script, &slurm);
    }
    assert_same(&one, &field.files(), "Slurm");
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}: {value}"))
}

#[test]
fn the_kubernetes_job_leaves_what_one_process_leaves() {
    let (field, one) = field();
    let job: Value = serde_norway::from_str(&blocks("A Kubernetes job", "yaml")[0]).unwrap();
    assert_eq!([text(&job, "/apiVersion"), text(&job, "/kind")], ["batch/v1", "Job"]);
    let spec = &job["spec"];
    assert_eq!(text(spec, "/completionMode"), "Indexed");
    // Kubernetes refuses an indexed job with a limit for each index whose pods are started again in place.
    let pod = &spec["template"]["spec"];
    assert!(spec["backoffLimitPerIndex"].is_u64() && text(pod, "/restartPolicy") == "Never");
    let container = &pod["containers"][0];
    assert_eq!(container["command"], serde_json::json!(["/bin/sh", "-c"]));
    assert_eq!(text(container, "/volumeMounts/0/name"), text(pod, "/volumes/0/name"));
    assert_eq!(text(container, "/volumeMounts/0/mountPath"), text(container, "/workingDir"));
    let (script, count) = (text(container, "/args/0"), spec["completions"].as_u64().unwrap());
    let parts = format!("/{count}\"");
    assert!(script.contains(&parts), "{script}: {count} pods");
    // There are nine tiles: so many pods are not needed.
    let script = script.replace(&parts, "/3\"");
    for index in 0..3 {
        succeeds(&field, "/bin/sh", &script, &[("JOB_COMPLETION_INDEX", &index.to_string())]);
    }
    assert_same(&one, &field.files(), "Kubernetes");
}

#[test]
fn the_argo_workflow_leaves_what_one_process_leaves() {
    let (field, one) = field();
    let workflow: Value = serde_norway::from_str(&blocks("An Argo workflow", "yaml")[0]).unwrap();
    assert_eq!(
        [text(&workflow, "/apiVersion"), text(&workflow, "/kind")],
        ["argoproj.io/v1alpha1", "Workflow"]
    );
    let templates = workflow["spec"]["templates"].as_array().unwrap();
    let template =
        |name: &str| templates.iter().find(|of| of["name"] == *name).unwrap_or_else(|| panic!("{name}"));
    let steps = &template(text(&workflow, "/spec/entrypoint"))["steps"];
    let part = &steps[0][0];
    let number = |key: &str| text(part, &format!("/withSequence/{key}")).parse::<u32>().unwrap();
    assert_eq!(text(part, "/arguments/parameters/0/value"), "{{item}}");
    let words = |template: &Value, item: &str| -> String {
        let words = template["container"]["command"].as_array().unwrap().iter();
        let word = |word: &Value| word.as_str().unwrap().replace("{{inputs.parameters.number}}", item);
        words.map(word).collect::<Vec<_>>().join(" ")
    };
    let (start, parts) = (number("start"), format!("/{}", number("end")));
    // There are nine tiles: so many pods are not needed.
    for item in start..start + 3 {
        let words = words(template(text(part, "/template")), &item.to_string());
        assert!(words.contains(&format!("--part {item}{parts} ")), "{words}");
        succeeds(&field, "sh", &words.replace(&parts, "/3"), &[]);
    }
    succeeds(&field, "sh", &words(template(text(&steps[1][0], "/template")), ""), &[]);
    assert_same(&one, &field.files(), "Argo");
}
