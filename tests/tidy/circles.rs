//! Which files of a crate use which: never in a circle, and in the engine along one line.
//!
//! Names are followed through `use` to the file that defines them, re-exports too; tests are left out. What a method does
//! that is called by name alone is not seen.

use super::{below, none_of};
use crate::support::root;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, UseTree, Visibility};

/// `["plan", "grid"]`: the module of a crate.
type Module = Vec<String>;

/// Every file with those that it uses.
type Edges = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

/// A name in a module that stands for something of another one.
struct Alias {
    path: Vec<String>,
    /// Whether the module only passes it on.
    passed_on: bool,
}

/// The modules of a crate, tests left out.
#[derive(Default)]
struct Modules {
    files: BTreeMap<Module, PathBuf>,
    aliases: BTreeMap<Module, BTreeMap<String, Alias>>,
    globs: BTreeMap<Module, Vec<Vec<String>>>,
    items: Vec<(Module, Vec<Item>)>,
}

impl Modules {
    /// Reads a crate from its root file.
    fn of(root: &Path) -> Self {
        let mut modules = Self::default();
        modules.read(Vec::new(), root, root.parent().expect("a file lies in a folder"));
        modules
    }

    fn read(&mut self, module: Module, file: &Path, folder: &Path) {
        let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        self.add(module, parsed.items, file, folder);
    }

    fn add(&mut self, module: Module, items: Vec<Item>, file: &Path, folder: &Path) {
        self.files.insert(module.clone(), file.to_owned());
        let mut plain = Vec::new();
        for item in items {
            match item {
                Item::Mod(inner) => self.inner(&module, inner, file, folder),
                Item::Use(of) if !is_test(&of.attrs) => {
                    let passed_on = !matches!(of.vis, Visibility::Inherited);
                    self.import(&module, &of.tree, Vec::new(), passed_on);
                }
                Item::Fn(of) if is_test(&of.attrs) => {}
                Item::Impl(of) if is_test(&of.attrs) => {}
                other => plain.push(other),
            }
        }
        self.items.push((module, plain));
    }

    fn inner(&mut self, module: &Module, inner: ItemMod, file: &Path, folder: &Path) {
        if is_test(&inner.attrs) {
            return;
        }
        let name = inner.ident.to_string();
        let below = [module.clone(), vec![name.clone()]].concat();
        let folder = folder.join(&name);
        match inner.content {
            Some((_, items)) => self.add(below, items, file, &folder),
            None => {
                let beside = folder.with_extension("rs");
                let file = if beside.is_file() { beside } else { folder.join("mod.rs") };
                self.read(below, &file, &folder);
            }
        }
    }

    fn import(&mut self, module: &Module, tree: &UseTree, mut path: Vec<String>, passed_on: bool) {
        let mut name = |name: String, path: Vec<String>| {
            self.aliases.entry(module.clone()).or_default().insert(name, Alias { path, passed_on });
        };
        match tree {
            UseTree::Path(of) => {
                path.push(of.ident.to_string());
                self.import(module, &of.tree, path, passed_on);
            }
            UseTree::Group(of) => {
                of.items.iter().for_each(|t| self.import(module, t, path.clone(), passed_on))
            }
            UseTree::Name(of) if of.ident == "self" => name(path.last().cloned().unwrap_or_default(), path),
            UseTree::Name(of) => name(of.ident.to_string(), [path, vec![of.ident.to_string()]].concat()),
            UseTree::Rename(of) => {
                let original = if of.ident == "self" { vec![] } else { vec![of.ident.to_string()] };
                // `as _` names nothing, and is used all the same.
                let known = if of.rename == "_" { format!("_ {}", of.ident) } else { of.rename.to_string() };
                name(known, [path, original].concat());
            }
            UseTree::Glob(_) => self.globs.entry(module.clone()).or_default().push(path),
        }
    }

    /// The module in which what a path names is written, and whether the path names a module itself; `None` outside
    /// of the crate.
    fn resolve(&self, from: &Module, path: &[String], depth: usize) -> Option<(Module, bool)> {
        let (mut at, mut rest) = match path.first()?.as_str() {
            "crate" => (Vec::new(), &path[1..]),
            "self" => (from.clone(), &path[1..]),
            "super" => (from[..from.len().checked_sub(1)?].to_vec(), &path[1..]),
            _ => (from.clone(), path),
        };
        while rest.first().is_some_and(|s| s == "super") {
            at.pop()?;
            rest = &rest[1..];
        }
        let outright = rest.len() < path.len();
        let mut first = true;
        while let Some(name) = rest.first() {
            let below = [at.clone(), vec![name.clone()]].concat();
            if self.files.contains_key(&below) {
                (at, rest) = (below, &rest[1..]);
            } else if let Some(alias) = self.aliases.get(&at).and_then(|a| a.get(name)).filter(|_| depth < 20)
            {
                let further = [alias.path.clone(), rest[1..].to_vec()].concat();
                return self.resolve(&at, &further, depth + 1);
            } else if first && !outright {
                // A name of another crate, of the language, or of this very module.
                return None;
            } else {
                return Some((at, false));
            }
            first = false;
        }
        Some((at, true))
    }

    /// Every file with those that it uses.
    fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for (module, items) in &self.items {
            let mut paths = Paths::default();
            items.iter().for_each(|item| paths.visit_item(item));
            let imports = self.aliases.get(module).into_iter().flat_map(BTreeMap::values);
            let imports = imports.filter(|alias| !alias.passed_on).map(|alias| alias.path.clone());
            let all = paths.0.into_iter().chain(imports);
            let used = all.filter_map(|path| self.resolve(module, &path, 0)).filter(|(_, whole)| !whole);
            let globs = self.globs.get(module).into_iter().flatten();
            let used = used.chain(globs.filter_map(|path| self.resolve(module, path, 0)));
            let file = &self.files[module];
            let used = used.map(|(used, _)| self.files[&used].clone()).filter(|used| used != file);
            edges.entry(file.clone()).or_default().extend(used);
        }
        edges
    }
}

/// Every path that code names.
#[derive(Default)]
struct Paths(BTreeSet<Vec<String>>);

impl<'a> Visit<'a> for Paths {
    fn visit_path(&mut self, path: &'a syn::Path) {
        self.0.insert(path.segments.iter().map(|s| s.ident.to_string()).collect());
        visit::visit_path(self, path);
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|a| a.path().is_ident("test") || is_cfg_test(a))
}

fn is_cfg_test(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
}

/// The edges that lie on circles or between them: files that nobody uses, or that use nobody, are taken away until there
/// is none.
fn circles(mut edges: Edges) -> Edges {
    loop {
        let used: BTreeSet<PathBuf> = edges.values().flatten().cloned().collect();
        let using: BTreeSet<PathBuf> = edges.keys().filter(|f| !edges[*f].is_empty()).cloned().collect();
        let before = edges.len();
        edges.retain(|file, _| used.contains(file) && using.contains(file));
        let left: BTreeSet<PathBuf> = edges.keys().cloned().collect();
        edges.values_mut().for_each(|of| of.retain(|file| left.contains(file)));
        if edges.len() == before {
            return edges;
        }
    }
}

/// Every crate's root file.
fn crates() -> Vec<PathBuf> {
    let roots = below("crates", "src/lib.rs").into_iter().chain(below("crates", "src/main.rs"));
    roots.map(|file| root().join(file)).collect()
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

#[test]
fn no_crate_has_a_circle_of_files() {
    let mut wrong = Vec::new();
    for root in crates() {
        for (file, used) in circles(Modules::of(&root).edges()) {
            let used: Vec<String> = used.iter().map(|used| name(used)).collect();
            wrong.push(format!("{} is on a circle with {}", name(&file), used.join(", ")));
        }
    }
    none_of(&wrong);
}

/// The rooms of the engine: each uses those alone that stand before it.
const LINE: [&str; 15] = [
    "registry", "rules", "error", "control", "found", "options", "workers", "plan", "fitted", "pixels",
    "survey", "print", "saved", "run", "explain",
];

#[test]
fn the_rooms_of_the_engine_stand_in_one_line() {
    let root = root().join("crates/compose-engine/src/lib.rs");
    let folder = root.parent().unwrap();
    let room = |file: &Path| {
        let first = file.strip_prefix(folder).unwrap().components().next().unwrap();
        let name = first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
        let place = LINE.iter().position(|known| *known == name);
        (name == "lib")
            .then_some(LINE.len())
            .or(place)
            .unwrap_or_else(|| panic!("{name} has no place in the line"))
    };
    let edges = Modules::of(&root).edges();
    assert!(edges.len() > 40, "only {} files of the engine were read", edges.len());
    let back = edges.iter().flat_map(|(file, used)| used.iter().map(move |used| (file, used)));
    let back = back.filter(|(file, used)| room(used) > room(file));
    let wrong = back.map(|(file, used)| format!("{} uses {}, which stands after it", name(file), name(used)));
    none_of(&wrong.collect::<Vec<_>>());
}

/// The finder finds: through a re-export, a module that is imported, and a parent that is used by its child.
#[test]
fn a_circle_is_seen_through_imports_and_re_exports() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("a")).unwrap();
    write("lib.rs", "mod a;\nmod b;\nmod c;\npub use a::A;\n");
    write("a.rs", "mod child;\nuse crate::b;\npub struct A(b::B);\n");
    write("a/child.rs", "use super::A;\nfn f(_: A) {}\n");
    write("b.rs", "pub struct B(Option<Box<crate::A>>);\n");
    write("c.rs", "use crate::b::B;\n#[cfg(test)]\nmod tests {\n    use crate::a;\n}\nfn f(_: B) {}\n");
    let edges = Modules::of(&folder.path().join("lib.rs")).edges();
    let at = |name: &str| folder.path().join(name);
    let found: Vec<PathBuf> = circles(edges.clone()).into_keys().collect();
    assert_eq!(found, [at("a.rs"), at("b.rs")]);
    assert_eq!(edges[&at("a/child.rs")], BTreeSet::from([at("a.rs")]));
    assert_eq!(edges[&at("c.rs")], BTreeSet::from([at("b.rs")]));
}
