//! The syntax of files, for the checks.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};
use syn::{Expr, ExprMatch, ExprMethodCall, FnArg, Lit, Pat, Path, Signature, UseTree};

/// The modules of the crate that a file uses, by `crate::…` in `use` trees and in paths.
pub(crate) fn modules_used(text: &str) -> BTreeSet<String> {
    let mut modules = Modules::default();
    modules.visit_file(&parse(text));
    modules.0
}

/// Number of lint evasions in a file.
#[derive(Default)]
pub(crate) struct Tricks {
    /// Parameters of functions that are tuple patterns.
    pub(crate) tuple_parameters: usize,
    /// Calls like `[(); 4].map(…)`.
    pub(crate) mapped_units: usize,
    /// `match` with an arm for `true` or `false`.
    pub(crate) matched_conditions: usize,
}

/// Counts the lint evasions of a file.
pub(crate) fn tricks(text: &str) -> Tricks {
    let mut tricks = Tricks::default();
    tricks.visit_file(&parse(text));
    tricks
}

fn parse(text: &str) -> syn::File {
    syn::parse_file(text).expect("the compiler parses it, too")
}

#[derive(Default)]
struct Modules(BTreeSet<String>);

impl Modules {
    /// Records the first names below `crate` in a tree.
    fn first_names(&mut self, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => drop(self.0.insert(path.ident.to_string())),
            UseTree::Name(name) => drop(self.0.insert(name.ident.to_string())),
            UseTree::Rename(rename) => drop(self.0.insert(rename.ident.to_string())),
            UseTree::Glob(_) => drop(self.0.insert("*".to_owned())),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.first_names(tree)),
        }
    }

    /// Finds `crate` at the beginning of a tree, or in a group there.
    fn tree(&mut self, tree: &UseTree) {
        match tree {
            UseTree::Path(path) if path.ident == "crate" => self.first_names(&path.tree),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree)),
            _ => {}
        }
    }
}

impl<'ast> Visit<'ast> for Modules {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let mut names = path.segments.iter().map(|segment| segment.ident.to_string());
        if names.next().is_some_and(|first| first == "crate") {
            self.0.extend(names.next());
        }
        visit::visit_path(self, path);
    }
}

impl<'ast> Visit<'ast> for Tricks {
    fn visit_signature(&mut self, signature: &'ast Signature) {
        let tuple = |input: &&FnArg| match input {
            FnArg::Typed(typed) => matches!(*typed.pat, Pat::Tuple(_)),
            FnArg::Receiver(_) => false,
        };
        self.tuple_parameters += signature.inputs.iter().filter(tuple).count();
        visit::visit_signature(self, signature);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let unit = |one: &Expr| matches!(one, Expr::Tuple(tuple) if tuple.elems.is_empty());
        if let Expr::Repeat(repeat) = &*call.receiver {
            self.mapped_units += usize::from(call.method == "map" && unit(&repeat.expr));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_match(&mut self, expression: &'ast ExprMatch) {
        let boolean = |pattern: &Pat| match pattern {
            Pat::Lit(literal) => matches!(literal.lit, Lit::Bool(_)),
            _ => false,
        };
        let matched = expression.arms.iter().any(|arm| boolean(&arm.pat));
        self.matched_conditions += usize::from(matched);
        visit::visit_expr_match(self, expression);
    }
}

#[test]
fn groups_of_a_use_tree_are_read() {
    let found =
        modules_used("use crate::{a::B, c};\nuse {std::fs, crate::d::E};\nfn f(_: crate::g::H) {}");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a", "c", "d", "g"]);
}

#[test]
fn tricks_are_counted() {
    let text =
        "fn f((a, b): (u8, u8)) { [(); 4].map(|()| a); match a > b { true => {} false => {} } }";
    let found = tricks(text);
    let counts = (found.tuple_parameters, found.mapped_units, found.matched_conditions);
    assert_eq!(counts, (1, 1, 1));
}
