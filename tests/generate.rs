//! Manifests as people write them, made from a number: the same number gives the same text.

/// A generator of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A generator that starts at `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xd1b5_4a32_d192_ed03)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit.max(1)
    }

    /// True once in `times`.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// Data to be written in some layout.
enum Data {
    Map(Vec<(&'static str, Self)>),
    List(Vec<Self>),
    Text(String),
    Block(Vec<String>),
}

fn text(value: impl Into<String>) -> Data {
    Data::Text(value.into())
}

/// How a document is laid out.
struct Layout {
    step: usize,
    offset: usize,
    line_break: &'static str,
    comments: bool,
    flow: usize,
}

/// One workload, in a layout of its own.
pub(crate) fn manifest(seed: u64) -> String {
    let random = &mut Random::new(seed);
    let layout = Layout {
        step: if random.one_in(8) { 4 } else { 2 },
        offset: if random.one_in(3) { 2 } else { 0 },
        line_break: if random.one_in(12) { "\r\n" } else { "\n" },
        comments: random.one_in(3),
        flow: if random.one_in(4) { 3 } else { 40 },
    };
    let data = object(random);
    let mut out = String::new();
    if random.one_in(20) {
        out.push('\u{feff}');
    }
    if random.one_in(4) {
        out.push_str("---");
        out.push_str(layout.line_break);
    }
    write_entries(&mut out, &data, 0, &layout, random);
    let trimmed = out.trim_start_matches(['\r', '\n']).to_owned();
    if random.one_in(10) { trimmed.trim_end().to_owned() } else { trimmed + layout.line_break }
}

/// A file of `documents` workloads.
pub(crate) fn stream(seed: u64, documents: u64) -> String {
    let parts: Vec<String> = (0..documents)
        .map(|number| {
            let text = manifest(seed.wrapping_add(number)).replace("\r\n", "\n");
            let text = text.trim_start_matches('\u{feff}').trim_start_matches("---\n");
            format!("{}\n", text.trim_end())
        })
        .collect();
    parts.join("---\n")
}

/// A list of `items` pods as one line of JSON, as a cluster gives it out.
pub(crate) fn json_list(seed: u64, items: u64) -> String {
    let mut out = String::from("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[");
    for number in 0..items {
        if number > 0 {
            out.push(',');
        }
        let random = &mut Random::new(seed.wrapping_add(number));
        let data = Data::Map(vec![
            ("apiVersion", text("v1")),
            ("kind", text("Pod")),
            ("metadata", Data::Map(vec![("name", text(format!("pod-{number}")))])),
            ("spec", pod(random)),
        ]);
        write_json(&mut out, &data);
    }
    out.push_str("]}");
    out
}

fn object(random: &mut Random) -> Data {
    let kind =
        random.pick(&["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "ReplicaSet"]);
    let api = match kind {
        "Pod" => "v1",
        "Job" | "CronJob" => "batch/v1",
        _ => "apps/v1",
    };
    let name = format!("{}-{}", random.pick(&["web", "api", "cart", "orders"]), random.below(100));
    let mut metadata = vec![("name", text(name))];
    if random.one_in(3) {
        metadata.push(("namespace", text(random.pick(&["shop", "default", "kube-system", "team-a"]))));
    }
    let template = || vec![("metadata", Data::Map(vec![("labels", Data::Map(vec![("app", text("x"))]))]))];
    let spec = match kind {
        "Pod" => pod(random),
        "CronJob" => {
            let mut template = template();
            template.push(("spec", pod(random)));
            let job = Data::Map(vec![("spec", Data::Map(vec![("template", Data::Map(template))]))]);
            Data::Map(vec![("schedule", text("\"0 3 * * *\"")), ("jobTemplate", job)])
        }
        _ => {
            let mut template = template();
            template.push(("spec", pod(random)));
            Data::Map(vec![("replicas", text("2")), ("template", Data::Map(template))])
        }
    };
    Data::Map(vec![
        ("apiVersion", text(api)),
        ("kind", text(kind)),
        ("metadata", Data::Map(metadata)),
        ("spec", spec),
    ])
}

fn pod(random: &mut Random) -> Data {
    let mut spec = Vec::new();
    if random.one_in(8) {
        spec.push((random.pick(&["hostNetwork", "hostPID"]), text("true")));
    }
    if random.one_in(4) {
        let mut context = Vec::new();
        if random.one_in(2) {
            context.push(("runAsUser", text(random.pick(&["0", "1000", "10001"]))));
        }
        if random.one_in(2) {
            context.push(("fsGroup", text("2000")));
        }
        if random.one_in(2) {
            let kind = text(random.pick(&["RuntimeDefault", "Unconfined"]));
            context.push(("seccompProfile", Data::Map(vec![("type", kind)])));
        }
        spec.push(("securityContext", Data::Map(context)));
    }
    if random.one_in(4) {
        spec.push(("initContainers", Data::List(vec![container(random, "init")])));
    }
    let containers = 1 + random.below(3);
    let names = ["main", "sidecar", "third"];
    spec.push((
        "containers",
        Data::List((0..containers).map(|number| container(random, names[number])).collect()),
    ));
    if random.one_in(3) {
        let kind = random.below(3);
        let source = match kind {
            0 => (
                "hostPath",
                Data::Map(vec![("path", text(random.pick(&["/var/log", "/etc/localtime", "/data"])))]),
            ),
            1 => ("emptyDir", Data::Map(vec![])),
            _ => ("persistentVolumeClaim", Data::Map(vec![("claimName", text("data"))])),
        };
        spec.push(("volumes", Data::List(vec![Data::Map(vec![("name", text("data")), source])])));
    }
    Data::Map(spec)
}

fn container(random: &mut Random, name: &str) -> Data {
    let image = random.pick(&[
        "nginx:1.27",
        "redis:7.2-alpine",
        "postgres:16",
        "registry.example.com/team/app:1.2.3",
        "busybox",
        "prom/prometheus:v2.53.0",
        "\"gcr.io/distroless/static:nonroot\"",
        "node:20@sha256:aa",
    ]);
    let mut fields = vec![("name", text(name)), ("image", text(image))];
    if random.one_in(3) {
        let args = ["--verbose", "\"0\"", "serve", "'a b'"].iter().take(1 + random.below(4));
        fields.push(("args", Data::List(args.map(|arg| text(*arg)).collect())));
    }
    if random.one_in(6) {
        let script = ["set -e", "echo start # no comment", "", "  exec app > /tmp/log"];
        fields.push((
            "command",
            Data::List(vec![text("sh"), text("-c"), Data::Block(script.map(String::from).to_vec())]),
        ));
    }
    if random.one_in(3) {
        let port = text(random.pick(&["80", "8080", "443", "5432"]));
        fields.push(("ports", Data::List(vec![Data::Map(vec![("containerPort", port)])])));
    }
    if random.one_in(3) {
        let mut resources = Vec::new();
        for side in ["requests", "limits"] {
            if random.one_in(2) {
                let cpu = text(random.pick(&["100m", "1", "0.5"]));
                let memory = text(random.pick(&["128Mi", "1Gi", "64M"]));
                let both = if random.one_in(2) {
                    vec![("cpu", cpu), ("memory", memory)]
                } else {
                    vec![("cpu", cpu)]
                };
                resources.push((side, Data::Map(both)));
            }
        }
        fields.push(("resources", Data::Map(resources)));
    }
    if random.one_in(3) {
        let mut context = Vec::new();
        if random.one_in(3) {
            context.push(("runAsUser", text(random.pick(&["0", "1000", "999"]))));
        }
        if random.one_in(4) {
            context.push(("privileged", text("true")));
        }
        if random.one_in(3) {
            context.push(("readOnlyRootFilesystem", text(random.pick(&["true", "false", "True"]))));
        }
        if random.one_in(3) {
            let drop = random.pick(&["ALL", "all", "NET_RAW", "CAP_NET_RAW"]);
            let mut capabilities = vec![("drop", Data::List(vec![text(drop)]))];
            if random.one_in(2) {
                capabilities.push((
                    "add",
                    Data::List(vec![text(random.pick(&["NET_BIND_SERVICE", "SYS_ADMIN", "CHOWN"]))]),
                ));
            }
            context.push(("capabilities", Data::Map(capabilities)));
        }
        fields.push(("securityContext", Data::Map(context)));
    }
    if random.one_in(3) {
        let mut mount = vec![
            ("name", text("data")),
            ("mountPath", text(random.pick(&["/data", "/tmp", "/tmp/", "/var/cache/nginx"]))),
        ];
        if random.one_in(5) {
            mount
                .push(("mountPropagation", text(random.pick(&["None", "HostToContainer", "Bidirectional"]))));
        }
        fields.push(("volumeMounts", Data::List(vec![Data::Map(mount)])));
    }
    if random.one_in(10) {
        fields.push(("env", text(random.pick(&["", "~", "[]"]))));
    }
    Data::Map(fields)
}

fn new_line(out: &mut String, indent: usize, layout: &Layout, random: &mut Random) {
    if layout.comments && random.one_in(15) {
        out.push_str("  # why");
    }
    out.push_str(layout.line_break);
    if layout.comments && random.one_in(15) {
        out.extend(std::iter::repeat_n(' ', random.below(indent + 3)));
        out.push_str("# a line of its own");
        out.push_str(layout.line_break);
    }
    if random.one_in(60) {
        out.push_str(layout.line_break);
    }
    out.extend(std::iter::repeat_n(' ', indent));
}

fn write_entries(out: &mut String, data: &Data, indent: usize, layout: &Layout, random: &mut Random) {
    let Data::Map(entries) = data else { return };
    for (number, (key, value)) in entries.iter().enumerate() {
        if number > 0 || indent == 0 {
            new_line(out, indent, layout, random);
        }
        let quoted = random.one_in(40);
        let quote = if quoted { "\"" } else { "" };
        out.extend([quote, key, quote, ":"]);
        write_value(out, value, indent, layout, random);
    }
}

fn write_value(out: &mut String, value: &Data, indent: usize, layout: &Layout, random: &mut Random) {
    match value {
        Data::Text(value) if value.is_empty() => {}
        Data::Text(value) => {
            out.push(' ');
            out.push_str(value);
        }
        Data::Block(lines) => {
            out.push_str(" |");
            write_block(out, lines, indent + layout.step, layout);
        }
        value if is_empty(value) || is_small(value) && random.one_in(layout.flow) => {
            out.push(' ');
            write_flow(out, value, random);
        }
        Data::Map(_) => {
            new_line(out, indent + layout.step, layout, random);
            write_entries(out, value, indent + layout.step, layout, random);
        }
        Data::List(items) => {
            for item in items {
                new_line(out, indent + layout.offset, layout, random);
                out.push_str("- ");
                let column = indent + layout.offset + 2;
                match item {
                    Data::Text(value) => out.push_str(value),
                    Data::Block(lines) => {
                        out.push('|');
                        write_block(out, lines, column + 2, layout);
                    }
                    item if is_small(item) && random.one_in(layout.flow) => write_flow(out, item, random),
                    item => write_entries(out, item, column, layout, random),
                }
            }
        }
    }
}

fn write_block(out: &mut String, lines: &[String], indent: usize, layout: &Layout) {
    for line in lines {
        out.push_str(layout.line_break);
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
    }
}

fn is_empty(data: &Data) -> bool {
    match data {
        Data::Map(entries) => entries.is_empty(),
        Data::List(items) => items.is_empty(),
        _ => false,
    }
}

fn is_small(data: &Data) -> bool {
    match data {
        Data::Map(entries) => entries.len() < 5 && entries.iter().all(|(_, value)| is_small(value)),
        Data::List(items) => items.len() < 5 && items.iter().all(is_small),
        Data::Text(value) => !value.is_empty(),
        Data::Block(_) => false,
    }
}

fn write_flow(out: &mut String, data: &Data, random: &mut Random) {
    let padding = if random.one_in(3) { " " } else { "" };
    match data {
        Data::Map(entries) => {
            out.push('{');
            out.push_str(padding);
            for (number, (key, value)) in entries.iter().enumerate() {
                out.push_str(if number > 0 { ", " } else { "" });
                out.push_str(key);
                out.push_str(": ");
                write_flow(out, value, random);
            }
            out.push_str(if random.one_in(9) && !entries.is_empty() { "," } else { "" });
            out.push_str(padding);
            out.push('}');
        }
        Data::List(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                out.push_str(if number > 0 { ", " } else { "" });
                write_flow(out, item, random);
            }
            out.push(']');
        }
        Data::Text(value) => out.push_str(value),
        Data::Block(_) => {}
    }
}

fn write_json(out: &mut String, data: &Data) {
    match data {
        Data::Map(entries) => {
            out.push('{');
            for (number, (key, value)) in entries.iter().enumerate() {
                out.push_str(if number > 0 { "," } else { "" });
                out.push('"');
                out.push_str(key);
                out.push_str("\":");
                write_json(out, value);
            }
            out.push('}');
        }
        Data::List(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                out.push_str(if number > 0 { "," } else { "" });
                write_json(out, item);
            }
            out.push(']');
        }
        Data::Text(value) => {
            let bare = value.trim_matches(['"', '\'']);
            let literal = value == bare && (bare.parse::<i64>().is_ok() || matches!(bare, "true" | "false"));
            match (literal, bare) {
                (true, bare) => out.push_str(bare),
                (false, "" | "~") => out.push_str("null"),
                (false, "[]") => out.push_str("[]"),
                (false, "True") => out.push_str("true"),
                (false, bare) => {
                    out.push('"');
                    out.push_str(bare);
                    out.push('"');
                }
            }
        }
        Data::Block(lines) => {
            out.push('"');
            out.push_str(&lines.join("\\n"));
            out.push('"');
        }
    }
}
