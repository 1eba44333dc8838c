//! The syntax of files, for the checks.

use syn::visit::{self, Visit};
use syn::{Expr, ExprMatch, ExprMethodCall, FnArg, Lit, Pat, Signature};

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
    tricks.visit_file(&syn::parse_file(text).expect("the compiler parses it, too"));
    tricks
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
fn tricks_are_counted() {
    let text =
        "fn f((a, b): (u8, u8)) { [(); 4].map(|()| a); match a > b { true => {} false => {} } }";
    let found = tricks(text);
    let counts = (found.tuple_parameters, found.mapped_units, found.matched_conditions);
    assert_eq!(counts, (1, 1, 1));
}
