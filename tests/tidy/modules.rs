//! The modules of a crate, and which file uses which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, ItemMod, ItemUse, UseTree, Visibility};

/// The path of a module or an item, from the root of its crate.
type Name = Vec<String>;

/// For each file of a crate, the other files whose items it uses.
pub(crate) type Uses = BTreeMap<String, BTreeSet<String>>;

/// One file.
#[derive(Default)]
struct Module {
    file: String,
    /// Names that `use` declares, and what they mean.
    declared: BTreeMap<String, Name>,
    /// All that the file uses, except what it only publishes again.
    used: Vec<Name>,
}

/// Reads what the files below the root of a crate use of each other. Tests are left out.
pub(crate) fn uses(root: &Path) -> Uses {
    let relative =
        |file: &Path| file.strip_prefix(root).expect("it is below").display().to_string();
    let mut files: Vec<String> =
        crate::files(root, "rs").iter().map(|file| relative(file)).collect();
    files.retain(|file| {
        file != "main.rs" && !file.ends_with("tests.rs") && !file.ends_with("test.rs")
    });
    let names: BTreeSet<Name> = files.iter().map(|file| name_of(file)).collect();
    let read = |file: String| {
        let text = std::fs::read_to_string(root.join(&file)).expect("it is listed");
        let here = name_of(&file);
        let module = Module { file, ..Module::default() };
        let mut reader = Reader { here: here.clone(), names: &names, module };
        reader.visit_file(&syn::parse_file(&text).expect("the compiler parses it, too"));
        (here, reader.module)
    };
    let modules: BTreeMap<Name, Module> = files.into_iter().map(read).collect();
    let used = |module: &Module| {
        let files = module.used.iter().map(|name| file_of(&modules, name).to_owned());
        files.filter(|file| *file != module.file).collect()
    };
    modules.values().map(|module| (module.file.clone(), used(module))).collect()
}

/// Groups of files of which each uses all others, directly or through others.
pub(crate) fn cycles(uses: &Uses) -> BTreeSet<BTreeSet<&str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        uses.keys().map(|file| (file.as_str(), reachable(uses, file))).collect();
    let mut cycles = BTreeSet::new();
    for (file, others) in &reached {
        cycles.insert(
            others.iter().filter(|other| reached[*other].contains(file)).copied().collect(),
        );
    }
    cycles.remove(&BTreeSet::new());
    cycles
}

/// All files that a file uses, directly or through others.
fn reachable<'a>(uses: &'a Uses, from: &'a str) -> BTreeSet<&'a str> {
    let (mut found, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(file) = next.pop() {
        next.extend(uses[file].iter().map(String::as_str).filter(|used| found.insert(*used)));
    }
    found
}

/// The file in which a name is defined. Names that are published again are followed to it.
fn file_of<'a>(modules: &'a BTreeMap<Name, Module>, name: &[String]) -> &'a str {
    let end = (0..=name.len()).rev().find(|end| modules.contains_key(&name[..*end]));
    let (module, rest) = name.split_at(end.expect("the root is a module"));
    let module = &modules[module];
    match rest.first().and_then(|first| module.declared.get(first)) {
        Some(meant) => file_of(modules, &[meant, &rest[1..]].concat()),
        None => &module.file,
    }
}

/// The name of the module in a file.
fn name_of(file: &str) -> Name {
    let name = file.trim_end_matches(".rs");
    let name = name.trim_end_matches("mod").trim_end_matches('/');
    if name == "lib" { Vec::new() } else { name.split('/').map(str::to_owned).collect() }
}

/// Reads the uses of one file.
struct Reader<'a> {
    here: Name,
    names: &'a BTreeSet<Name>,
    module: Module,
}

impl Reader<'_> {
    /// The name that a path from this file means; `None` if it leads to other crates.
    fn resolve(&self, path: &[String]) -> Option<Name> {
        let up = path.iter().take_while(|part| *part == "super").count();
        let (base, rest) = match path.first()?.as_str() {
            "crate" => (&[][..], &path[1..]),
            "self" => (&self.here[..], &path[1..]),
            "super" => (&self.here[..self.here.len().checked_sub(up)?], &path[up..]),
            first => {
                let child = [&self.here[..], &[first.to_owned()]].concat();
                (&self.here[..], self.names.contains(&child).then_some(path)?)
            }
        };
        Some([base, rest].concat())
    }

    /// Records the names of a `use` tree.
    fn tree(&mut self, before: &[String], tree: &UseTree, published: bool) {
        let (name, declared) = match tree {
            UseTree::Path(path) => {
                let before = [before, &[path.ident.to_string()]].concat();
                return self.tree(&before, &path.tree, published);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.tree(before, tree, published));
            }
            UseTree::Glob(_) => return,
            UseTree::Name(name) => (name.ident.to_string(), name.ident.to_string()),
            UseTree::Rename(rename) => (rename.ident.to_string(), rename.rename.to_string()),
        };
        let own = if name == "self" { &[][..] } else { &[name][..] };
        let path = [before, own].concat();
        let declared = if declared == "self" { before[before.len() - 1].clone() } else { declared };
        if let Some(meant) = self.resolve(&path) {
            if !published {
                self.module.used.push(meant.clone());
            }
            self.module.declared.insert(declared, meant);
        }
    }
}

/// Whether an item is compiled for tests only.
fn is_test(attributes: &[Attribute]) -> bool {
    let test = |attribute: &Attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    };
    attributes.iter().any(test)
}

impl<'ast> Visit<'ast> for Reader<'_> {
    // `pub(in crate::…)` uses nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if !is_test(&item.attrs) {
            self.tree(&[], &item.tree, !matches!(item.vis, Visibility::Inherited));
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Name = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 {
            self.module.used.extend(self.resolve(&names));
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        // the contents of a macro need not be an expression, so its paths are found in the text.
        let text = called.tokens.to_string().replace(" :: ", "::");
        let other = |letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ':';
        for path in text.split(other).filter(|word| word.contains("::")) {
            let names: Name = path.split("::").map(str::to_owned).collect();
            self.module.used.extend(self.resolve(&names));
        }
        visit::visit_macro(self, called);
    }
}

#[test]
fn uses_are_followed_to_files_and_cycles_found() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("lib.rs", "mod a; mod b; pub use a::A; use b::B;"),
        ("a.rs", "use crate::b::{self, C}; pub struct A;"),
        ("b/mod.rs", "mod c; mod d; pub use c::C; pub struct B;"),
        ("b/c.rs", "pub struct C(super::d::D);"),
        ("b/d.rs", "pub struct D(crate::A); #[cfg(test)] mod tests { use crate::b::B; }"),
    ];
    std::fs::create_dir(folder.path().join("b")).unwrap();
    for (file, text) in files {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let found = uses(folder.path());
    let uses: Vec<(&str, Vec<&str>)> = found
        .iter()
        .map(|(file, used)| (file.as_str(), used.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(
        uses,
        [
            ("a.rs", vec!["b/c.rs", "b/mod.rs"]),
            ("b/c.rs", vec!["b/d.rs"]),
            ("b/d.rs", vec!["a.rs"]),
            ("b/mod.rs", vec![]),
            ("lib.rs", vec!["b/mod.rs"]),
        ]
    );
    let cycle: BTreeSet<&str> = ["a.rs", "b/c.rs", "b/d.rs"].into();
    assert_eq!(cycles(&found), [cycle].into());
}
