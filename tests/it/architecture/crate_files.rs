//! The files of a crate, and the arrows between them.
//!
//! An arrow goes from a file to each file whose items it names: by a `use`, or by a path that
//! starts with `crate`, `self`, `super`, a module that is declared here, or a module that a `use`
//! has brought in. The arrow points to the deepest module that the path names. To declare a module
//! is no arrow, so a parent that only lists its children may be used by them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};

use super::source::Source;

/// Which files each file uses.
pub(super) type Arrows = BTreeMap<String, BTreeSet<String>>;

/// A crate's modules, each with its file.
struct Crate<'a> {
    /// The file and the code of each module, by its path in the crate.
    modules: BTreeMap<Vec<String>, (&'a str, Source)>,
}

/// The arrows of the crate that begins in this file, of these files and their texts.
pub(super) fn arrows(files: &BTreeMap<String, String>, root: &str) -> Result<Arrows> {
    let mut found = Crate { modules: BTreeMap::new() };
    found.read(files, root, vec![])?;
    Ok(found
        .modules
        .iter()
        .map(|(path, (file, source))| (file.to_string(), found.used(path, source)))
        .collect())
}

impl<'a> Crate<'a> {
    /// Reads a module's file and those of its children.
    fn read(&mut self, files: &'a BTreeMap<String, String>, file: &str, path: Vec<String>) -> Result<()> {
        let (file, text) = files.get_key_value(file).with_context(|| format!("there is no {file}"))?;
        let source = Source::parse(text);
        let children: Vec<_> = source.declared_modules().into_iter().map(str::to_owned).collect();
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        let is_root_of_folder = path.is_empty() || name == "mod.rs";
        let folder =
            if is_root_of_folder { folder.to_owned() } else { file.trim_end_matches(".rs").to_owned() };
        self.modules.insert(path.clone(), (file, source));
        for child in children {
            let own = format!("{folder}/{child}.rs");
            let of_folder = format!("{folder}/{child}/mod.rs");
            let child_file = if files.contains_key(&own) { own } else { of_folder };
            let mut child_path = path.clone();
            child_path.push(child);
            self.read(files, &child_file, child_path)?;
        }
        Ok(())
    }

    /// The files that a module uses.
    fn used(&self, module: &[String], source: &Source) -> BTreeSet<String> {
        let uses = source.uses();
        let mut targets: Vec<Vec<String>> = Vec::new();
        let mut brought_in: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (path, name) in &uses {
            let Some((target, rest)) = self.resolve(module, path, &BTreeMap::new()) else { continue };
            if rest == 0 {
                brought_in.insert(name, target.clone());
            }
            targets.push(target);
        }
        let paths = source.paths();
        let inline = paths.iter().filter_map(|path| self.resolve(module, path, &brought_in));
        targets.extend(inline.map(|(target, _)| target));
        let files = targets.iter().filter(|target| *target != module);
        files.map(|target| self.modules[target].0.to_owned()).collect()
    }

    /// The deepest module that a path names, and how many of its segments are left after it;
    /// nothing for a path that leads out of the crate.
    fn resolve(
        &self,
        module: &[String],
        path: &[&str],
        brought_in: &BTreeMap<&str, Vec<String>>,
    ) -> Option<(Vec<String>, usize)> {
        let (first, mut rest) = path.split_first()?;
        let child = || [module, &[(*first).to_owned()]].concat();
        let mut target = match *first {
            "crate" => vec![],
            "self" => module.to_vec(),
            "super" => module.split_last()?.1.to_vec(),
            name if brought_in.contains_key(name) => brought_in[name].clone(),
            _ if self.modules.contains_key(&child()) => child(),
            _ => return None,
        };
        while let Some((next, after)) = rest.split_first() {
            if *next == "super" {
                target.pop();
            } else {
                target.push((*next).to_owned());
                if !self.modules.contains_key(&target) {
                    target.pop();
                    break;
                }
            }
            rest = after;
        }
        Some((target, rest.len()))
    }
}
