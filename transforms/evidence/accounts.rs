//! Service accounts, and who gives them rights.

use std::collections::BTreeMap;

use rewriter::Node;

use super::scoped::{Absorb, Witness};
use super::{Evidence, Objects};
use crate::model::Object;

/// What is known of the accounts of a namespace, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Accounts {
    tokens: BTreeMap<String, Tokens>,
    /// The bindings that name an account.
    bindings: BTreeMap<String, Witness>,
    /// A binding for all of them.
    of_all: Option<Witness>,
}

impl Absorb for Accounts {
    fn absorb(&mut self, other: Self) {
        self.tokens.absorb(other.tokens);
        self.bindings.absorb(other.bindings);
        self.of_all.absorb(other.of_all);
    }
}

/// Whether accounts of one name give pods their token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tokens {
    given: bool,
    refused: bool,
}

impl Absorb for Tokens {
    fn absorb(&mut self, other: Self) {
        self.given |= other.given;
        self.refused |= other.refused;
    }
}

pub(super) fn read_account(objects: &mut Objects, object: &Object<'_>) {
    let Some(name) = object.name() else { return };
    let automount = object.node.get("automountServiceAccountToken").and_then(|value| value.as_bool());
    let refused = automount == Some(false);
    let tokens = BTreeMap::from([(name.into_owned(), Tokens { given: !refused, refused })]);
    objects.accounts.add(object.namespace().as_deref(), Accounts { tokens, ..Accounts::default() });
}

pub(super) fn read_binding(objects: &mut Objects, object: &Object<'_>) {
    let witness = Witness::of(object);
    for subject in object.node.get("subjects").into_iter().flat_map(|subjects| subjects.items()) {
        if let Some((namespace, name)) = bound(subject, object) {
            let accounts = match name {
                Some(name) => {
                    Accounts { bindings: BTreeMap::from([(name, witness.clone())]), ..Accounts::default() }
                }
                None => Accounts { of_all: Some(witness.clone()), ..Accounts::default() },
            };
            objects.accounts.add(namespace.as_deref(), accounts);
        }
    }
}

/// Namespace and name of the account that a subject is; no name for all of the namespace.
fn bound(subject: Node<'_>, object: &Object<'_>) -> Option<(Option<String>, Option<String>)> {
    let text = |key| subject.get(key).map(|value| value.text().into_owned());
    let name = text("name")?;
    match &*text("kind")? {
        "ServiceAccount" => {
            let namespace = text("namespace").or_else(|| object.namespace().map(Into::into));
            Some((namespace, Some(name)))
        }
        "User" => {
            let (namespace, name) = name.strip_prefix("system:serviceaccount:")?.split_once(':')?;
            Some((Some(namespace.to_owned()), Some(name.to_owned())))
        }
        "Group" => match name.strip_prefix("system:serviceaccounts")? {
            "" => Some((None, None)),
            namespace => Some((Some(namespace.strip_prefix(':')?.to_owned()), None)),
        },
        _ => None,
    }
}

impl Evidence {
    /// Whether the account of this name keeps its token from pods that do not ask for it.
    pub(crate) fn refuses_token(&self, namespace: Option<&str>, account: &str) -> bool {
        let accounts = &self.objects.accounts;
        let same = accounts.same(namespace).and_then(|accounts| accounts.tokens.get(account));
        let possible = accounts.possible(namespace).filter_map(|accounts| accounts.tokens.get(account));
        let known: Vec<&Tokens> = same.map_or_else(|| possible.collect(), |tokens| vec![tokens]);
        !known.is_empty() && known.iter().all(|tokens| tokens.refused && !tokens.given)
    }

    /// A binding that gives rights to the account of this name.
    pub(crate) fn binding(&self, namespace: Option<&str>, account: &str) -> Option<&Witness> {
        self.objects.accounts.possible(namespace).find_map(|accounts| accounts.bindings.get(account))
    }

    /// A binding that gives rights to every account of the namespace.
    pub(crate) fn binding_of_all(&self, namespace: Option<&str>) -> Option<&Witness> {
        self.objects.accounts.possible(namespace).find_map(|accounts| accounts.of_all.as_ref())
    }
}
