//! Who can run a container in place of root, and who cannot.

use super::{NewUser, NoUser};
use crate::context::Context;
use crate::model::{Container, ContainerKind, Malformed, needs_root};
use crate::settings::Profile;
use crate::sshd::has_volcano_keys;
use crate::support::Level;
use crate::unprivileged_port::keeps_from_listening;

/// Istio's proxy runs as this user, and what that user sends is not proxied.
const ISTIO_PROXY: i64 = 1337;

/// The value that a new one takes, or would take, the place of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replaces {
    /// None is written.
    Nothing,
    /// The container's own root.
    OwnRoot,
    /// The pod's root.
    PodsRoot,
}

impl Replaces {
    /// `None` where a user that is not root is written.
    pub(crate) fn of(cx: &Context<'_, '_>, container: &Container<'_>) -> Result<Option<Self>, Malformed> {
        let (own, pod) = (container.security_context()?, cx.pod.security_context()?);
        Ok(match (own.run_as_user()?, pod.run_as_user()?) {
            (Some(0), _) => Some(Self::OwnRoot),
            (None, Some(0)) => Some(Self::PodsRoot),
            (None, None) => Some(Self::Nothing),
            _ => None,
        })
    }
}

/// The user that the container can run as in place of root.
pub(crate) fn replacement(
    cx: &Context<'_, '_>,
    container: &Container<'_>,
    replaces: Replaces,
) -> Result<Result<NewUser, NoUser>, Malformed> {
    let left = |reason| Ok(Err(NoUser::Left(reason)));
    if let Some(program) = needs_root(container)? {
        let advice = if program.prepares_files {
            "; `fsGroup` may make it unnecessary, else `drop: [ALL]` and `add: [CHOWN, DAC_OVERRIDE, FOWNER]` are enough"
        } else {
            ""
        };
        return left(format!("{program}, which needs root{advice}"));
    }
    if has_volcano_keys(&cx.pod.object) {
        return left(
            "Volcano mounts the keys for SSH in the home of root, where another user has none".to_owned(),
        );
    }
    // Pod Security makes no exception for init containers.
    let is_init = container.kind == ContainerKind::Init && cx.settings.profile == Profile::Cce;
    if replaces == Replaces::OwnRoot && is_init {
        return left(
            "somebody wrote `runAsUser: 0` for this init container, which may prepare the node or a volume as root"
                .to_owned(),
        );
    }
    let mut user = match cx.new_user(container) {
        Ok(user) => user,
        Err(no_user) => return Ok(Err(no_user)),
    };
    if user.uid == ISTIO_PROXY && user.level == Level::Review && cx.pod.announces_istio() {
        return left(
            "Istio does not proxy the traffic of user 1337, so an application must not run as it".to_owned(),
        );
    }
    if let Some(reason) = keeps_from_listening(cx, container)? {
        return left(format!("as another user than root it could not listen: {reason}"));
    }
    let (own, pod) = (container.security_context()?, cx.pod.security_context()?);
    if own.run_as_group()?.or(pod.run_as_group()?).is_some() {
        user.gid = None;
    }
    if replaces != Replaces::Nothing {
        user.level = Level::Review;
        user.reason = format!("somebody wrote `runAsUser: 0`; {}", user.reason);
    }
    if user.level == Level::Review {
        user.reason += expectations(container)?;
    }
    Ok(Ok(user))
}

/// What else in the manifest says that the program expects to be root.
fn expectations(container: &Container<'_>) -> Result<&'static str, Malformed> {
    let context = container.security_context()?;
    let adds_for_root =
        context.capabilities_add()?.items().any(|(_, name)| !name.is_text("NET_BIND_SERVICE"));
    // As it is written: where that goes too, it still tells what somebody expected.
    Ok(match (context.privileged()? == Some(true), adds_for_root) {
        (true, _) => "; it is privileged, so it may expect root",
        (_, true) => "; the capabilities that it adds have no effect for other users than root",
        _ => "",
    })
}
