//! No forge but git: branches are pushed, and the requests are left to people.

use super::{Access, Address, Forge, ForgeError, Kind, NewRequest, Request};

/// A repository of which nothing but git can be had.
#[derive(Debug)]
pub struct PushOnly {
    address: Address,
}

impl PushOnly {
    /// The repository; no token is sent anywhere.
    pub fn new(access: &Access<'_>) -> Self {
        Self { address: access.address.clone() }
    }
}

impl Forge for PushOnly {
    fn requests(&self, _: &[&str]) -> Result<Vec<Request>, ForgeError> {
        Ok(Vec::new())
    }

    /// Says where a person opens the request, as far as that is known.
    fn open(&self, new: &NewRequest<'_>) -> Result<Request, ForgeError> {
        let Address { host, owner, name, .. } = &self.address;
        let NewRequest { head, base, .. } = new;
        let repository = format!("{}/{owner}/{name}", self.address.root());
        let url = match Kind::at(host) {
            Some(Kind::Github) => format!("{repository}/compare/{base}...{head}?expand=1"),
            Some(Kind::Gitea) => format!("{repository}/compare/{base}...{head}"),
            Some(Kind::Gitlab) => format!(
                "{repository}/-/merge_requests/new?merge_request[source_branch]={head}&merge_request[target_branch]={base}"
            ),
            _ => repository,
        };
        Ok(Request::opened(0, url, new))
    }

    fn label(&self, _: &Request, _: &[&str]) -> Result<(), ForgeError> {
        Ok(())
    }

    fn write(&self, _: &Request, _: &str, _: &str) -> Result<(), ForgeError> {
        Ok(())
    }

    fn comments(&self, _: &Request) -> Result<Vec<String>, ForgeError> {
        Ok(Vec::new())
    }

    fn comment(&self, _: &Request, _: &str) -> Result<(), ForgeError> {
        Ok(())
    }

    fn close(&self, _: &Request) -> Result<(), ForgeError> {
        Ok(())
    }

    fn room(&self) -> usize {
        58_000
    }

    fn git_user(&self) -> Option<&'static str> {
        None
    }

    fn is_push_only(&self) -> bool {
        true
    }
}
