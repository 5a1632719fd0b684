//! The arrows of the house: who may depend on whom.
//!
//! Between packages cargo knows the arrows. Between files they are read from the sources, as
//! `crate_files` says.

mod circles;
mod crate_files;
mod one_build;
mod source;
mod tests;

use std::{collections::BTreeMap, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use storehook_tests::root;

use self::{
    circles::{between_rooms, circles, room_of},
    crate_files::arrows,
};

#[test]
fn dependencies_point_inward() -> Result<()> {
    let packages = packages()?;
    let ours: Vec<_> = packages.keys().cloned().collect();
    for (package, allowed) in [
        ("storehook-domain", &[][..]),
        ("storehook-aws", &["storehook-domain"]),
        ("admin-api", &["storehook-domain", "storehook-aws"]),
        ("fan-out", &["storehook-domain", "storehook-aws"]),
        ("delivery", &["storehook-domain", "storehook-aws"]),
        ("storehook", &["storehook-domain", "storehook-aws"]),
    ] {
        let dependencies = packages.get(package).with_context(|| format!("no package {package}"))?;
        let inner: Vec<_> = dependencies.iter().filter(|name| ours.contains(name)).collect();
        assert!(inner.iter().all(|name| allowed.contains(&name.as_str())), "{package} depends on {inner:?}");
    }
    Ok(())
}

#[test]
fn the_domain_depends_on_nothing_that_does_io() -> Result<()> {
    let allowed = [
        "base64",
        "hex",
        "hmac",
        "http",
        "ipnet",
        "jiff",
        "memchr",
        "md-5",
        "proptest",
        "proptest-state-machine",
        "prost",
        "roxmltree",
        "serde",
        "serde_json",
        "sha2",
        "stateright",
        "thiserror",
        "url",
    ];
    for name in &packages()?["storehook-domain"] {
        assert!(allowed.contains(&name.as_str()), "{name}");
    }
    Ok(())
}

/// A function is deployed by itself; what two of them need stands in `shared`.
#[test]
fn no_function_uses_another() -> Result<()> {
    let mut functions = BTreeMap::new();
    for entry in std::fs::read_dir(root().join("functions"))? {
        let manifest = std::fs::read_to_string(entry?.path().join("Cargo.toml"))?;
        let name = manifest.lines().find_map(|line| line.strip_prefix("name = ")).context("no name")?;
        functions.insert(name.trim_matches('"').to_owned(), manifest);
    }
    assert_eq!(functions.len(), 3, "{:?}", functions.keys());
    let packages = packages()?;
    for name in functions.keys() {
        let dependencies = packages.get(name).with_context(|| format!("no package {name}"))?;
        let others: Vec<_> = dependencies.iter().filter(|other| functions.contains_key(*other)).collect();
        assert!(others.is_empty(), "{name} uses {others:?}");
    }
    Ok(())
}

#[test]
fn no_files_and_no_rooms_use_each_other_in_circles() -> Result<()> {
    let files = files()?;
    let mut found = Vec::new();
    for root in crates()? {
        let arrows = arrows(&files, &root)?;
        let rooms = between_rooms(&arrows, &root);
        let of_files = circles(&arrows).into_iter().map(|circle| format!("files: {circle}"));
        let of_rooms = circles(&rooms).into_iter().map(|circle| format!("rooms of {root}: {circle}"));
        found.extend(of_files.chain(of_rooms));
    }
    assert!(found.is_empty(), "{} circles:\n{}", found.len(), found.join("\n"));
    Ok(())
}

/// The rooms of the domain stand in the order of the flow. A room uses those before it, and never
/// one that shares its number.
#[test]
fn the_rooms_of_the_domain_use_only_earlier_ones() -> Result<()> {
    let order = BTreeMap::from([
        ("input", 0),
        ("words", 0),
        ("installation", 1),
        ("payload", 1),
        ("event", 2),
        ("webhook", 3),
        ("delivery", 4),
        ("history", 5),
        ("job", 6),
        ("explanation", 7),
    ]);
    let place = |room: &str| order.get(room).with_context(|| format!("{room} is no room of the domain"));
    let root = "shared/domain/src/lib.rs";
    let arrows = arrows(&files()?, root)?;
    let mut wrong = Vec::new();
    for (from, to) in arrows.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to))) {
        if let (Some(room), Some(other)) = (room_of(from, root), room_of(to, root))
            && room != other
            && place(other)? >= place(room)?
        {
            wrong.push(format!("{from} -> {to}"));
        }
    }
    assert!(wrong.is_empty(), "{} arrows point forward:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

#[test]
fn files_are_short_enough_to_read() -> Result<()> {
    let lengths = files()?.into_iter().map(|(file, text)| (text.lines().count(), file));
    let long: Vec<_> = lengths.filter(|(lines, _)| *lines > 260).collect();
    assert!(long.is_empty(), "over 260 lines: {long:?}");
    Ok(())
}

/// Every Rust file of the repository, by its path from the root, with its text.
fn files() -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut folders: Vec<_> = ["shared", "functions", "cli", "tests"].map(str::to_owned).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder))? {
            let entry = entry?;
            let path = format!("{folder}/{}", entry.file_name().display());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.ends_with(".rs") {
                files.insert(path, std::fs::read_to_string(entry.path())?);
            }
        }
    }
    Ok(files)
}

/// The first file of every crate: libraries, programs, tests, benches.
fn crates() -> Result<Vec<String>> {
    let metadata = metadata()?;
    let folder = metadata["workspace_root"].as_str().context("no root")?.to_owned() + "/";
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let targets = packages.flat_map(|package| package["targets"].as_array().into_iter().flatten());
    let files = targets.filter_map(|target| target["src_path"].as_str()?.strip_prefix(&folder));
    Ok(files.map(str::to_owned).collect())
}

/// Every package of the workspace, with the names of what it depends on.
fn packages() -> Result<BTreeMap<String, Vec<String>>> {
    let metadata = metadata()?;
    let names = |values: &Value| -> Vec<String> {
        values
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|value| value["name"].as_str().map(str::to_owned))
            .collect()
    };
    let packages = metadata["packages"].as_array().context("no packages")?;
    Ok(names(&metadata["packages"])
        .into_iter()
        .zip(packages.iter().map(|package| names(&package["dependencies"])))
        .collect())
}

/// What cargo says of the workspace.
fn metadata() -> Result<Value> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root()).args(["metadata", "--format-version=1", "--no-deps", "--locked", "--offline"]);
    let output = cargo.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}
