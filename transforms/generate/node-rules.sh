#!/bin/sh
# Made by cce-fix. Run as root on every node of the cluster:
#
#   node-rules.sh apply    set the rules, now and at each start of the node
#   node-rules.sh undo     take them out again
#   node-rules.sh check    print what to run inside a container to see that they hold
#
# Rejecting 169.254.169.254 may keep the ECS console from changing the node's password: try that on one node
# before you go on to the others.
#
# Workloads of the manifests that seem to use the API server and would lose it:
# @CLIENTS@
set -eu

startup=/etc/rc.local

# Chain, addresses of containers, address to keep them from.
rules() {
    cat <<'RULES'
@RULES@
RULES
}

checks() {
    cat <<'CHECKS'
@CHECKS@
CHECKS
}

startup_line() {
    echo "iptables -C $1 -s $2 -d $3 -j REJECT 2>/dev/null || iptables -I $1 -s $2 -d $3 -j REJECT"
}

# Replaces the contents of the startup file with stdin; its mode and owner stay.
write_startup() {
    new=$(cat; echo .)
    printf '%s' "${new%.}" > "$startup"
}

apply() {
    if [ ! -e "$startup" ]; then
        printf '#!/bin/sh\n' > "$startup"
    fi
    rules | while read -r chain source destination; do
        if ! iptables -C "$chain" -s "$source" -d "$destination" -j REJECT 2>/dev/null; then
            iptables -I "$chain" -s "$source" -d "$destination" -j REJECT
        fi
        line=$(startup_line "$chain" "$source" "$destination")
        if ! grep -qxF -- "$line" "$startup"; then
            # What stands behind an `exit` is never run.
            awk -v line="$line" '
                /^[ \t]*exit([ \t]|$)/ && !done { print line; done = 1 }
                { print }
                END { if (!done) print line }
            ' "$startup" | write_startup
        fi
    done
    chmod u+x "$startup"
}

undo() {
    rules | while read -r chain source destination; do
        while iptables -C "$chain" -s "$source" -d "$destination" -j REJECT 2>/dev/null; do
            iptables -D "$chain" -s "$source" -d "$destination" -j REJECT
        done
        if [ -e "$startup" ]; then
            line=$(startup_line "$chain" "$source" "$destination")
            { grep -vxF -- "$line" "$startup" || true; } | write_startup
        fi
    done
}

case "${1:-}" in
    apply) apply ;;
    undo) undo ;;
    check)
        echo 'Inside a container each of these must fail:'
        checks
        ;;
    *)
        echo "usage: $0 apply|undo|check" >&2
        exit 2
        ;;
esac
