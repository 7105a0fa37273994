//! Command lines and the shell scripts in them, as far as needed to tell which programs a container starts.
//!
//! This is no shell. It finds simple commands and the files that output goes to; what it cannot tell, such as
//! the value of a variable, it leaves as written. A wrong guess costs a fix that a person then makes.

use std::iter::Peekable;
use std::str::Chars;

/// How deep `sh -c` inside `sh -c` is followed.
const MAX_DEPTH: usize = 4;

/// What may be asked to run a script, or another program.
const SHELLS: [&str; 8] = ["sh", "ash", "bash", "dash", "ksh", "zsh", "busybox", "tini"];

/// Words in front of a command that do not change what it does. Options may stand behind them.
const PREFIXES: [&str; 19] = [
    "!",
    "builtin",
    "command",
    "do",
    "dumb-init",
    "elif",
    "else",
    "env",
    "eval",
    "exec",
    "if",
    "nice",
    "nohup",
    "then",
    "time",
    "timeout",
    "until",
    "while",
    "xargs",
];

/// One simple command: a program and its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments, quotes taken off.
    pub words: Vec<String>,
    /// The files that its output goes to.
    pub outputs: Vec<String>,
}

impl Command {
    /// The program's name without its folder; empty where there is none.
    pub fn program(&self) -> &str {
        self.words.first().map_or("", |word| base_name(word))
    }

    /// What follows the program.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(1).map(String::as_str)
    }
}

/// The commands that a command line starts, in the order in which they stand there.
pub(super) fn commands<S: AsRef<str>>(line: &[S]) -> Vec<Command> {
    let mut found = Vec::new();
    let words: Vec<String> = line.iter().map(|word| word.as_ref().to_owned()).collect();
    // Arguments alone go to the image's own entry point, often a shell.
    if words.first().is_some_and(|word| word.starts_with('-')) {
        for script in words.iter().filter(|word| word.contains(char::is_whitespace)) {
            parse(script, 0, &mut found);
        }
    }
    add(Command { words, outputs: Vec::new() }, 0, &mut found);
    found
}

/// Adds `command`, and what it starts where it is a shell or the like.
fn add(mut command: Command, depth: usize, found: &mut Vec<Command>) {
    let prefixes = count_prefixes(&command.words);
    command.words.drain(..prefixes);
    if command.words.is_empty() && command.outputs.is_empty() {
        return;
    }
    let inner = if depth < MAX_DEPTH { started(&command) } else { Started::Nothing };
    found.push(command);
    match inner {
        Started::Nothing => {}
        Started::Script(script) => parse(&script, depth + 1, found),
        Started::Words(words) => add(Command { words, outputs: Vec::new() }, depth + 1, found),
    }
}

/// What a command starts beside itself.
enum Started {
    Nothing,
    Script(String),
    Words(Vec<String>),
}

fn started(command: &Command) -> Started {
    let is_shell = SHELLS.contains(&command.program());
    let is_script_flag =
        |word: &&str| is_shell && word.starts_with('-') && !word.starts_with("--") && word.contains('c');
    let mut arguments = command.arguments();
    if arguments.any(|word| is_script_flag(&word)) {
        return arguments.next().map_or(Started::Nothing, |script| Started::Script(script.to_owned()));
    }
    let words: Vec<String> = match command.program() {
        "busybox" | "tini" => {
            command.arguments().skip_while(|word| word.starts_with('-')).map(Into::into).collect()
        }
        "find" => {
            let behind =
                command.arguments().skip_while(|word| !matches!(*word, "-exec" | "-execdir" | "-ok"));
            behind.skip(1).map(Into::into).collect()
        }
        _ => return Started::Nothing,
    };
    Started::Words(words)
}

/// How many words stand in front of the command itself: assignments, prefixes and the options of these.
fn count_prefixes(words: &[String]) -> usize {
    let mut is_behind_prefix = false;
    let mut is_before = |word: &&String| {
        let is_option = word.starts_with('-') || word.starts_with(|first: char| first.is_ascii_digit());
        is_behind_prefix |= PREFIXES.contains(&base_name(word));
        is_assignment(word) || PREFIXES.contains(&base_name(word)) || is_behind_prefix && is_option
    };
    words.iter().take_while(|word| is_before(word)).count()
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
    })
}

fn base_name(word: &str) -> &str {
    word.rsplit_once('/').map_or(word, |(_, name)| name)
}

/// Adds the commands of `script`.
fn parse(script: &str, depth: usize, found: &mut Vec<Command>) {
    let mut reader = Reader { chars: script.chars().peekable(), here_documents: Vec::new() };
    let mut command = Command::default();
    while let Some(token) = reader.token() {
        match token {
            Token::Word(word) => command.words.push(word),
            Token::Output(file) => command.outputs.push(file),
            Token::End => add(std::mem::take(&mut command), depth, found),
        }
    }
    add(command, depth, found);
}

enum Token {
    Word(String),
    Output(String),
    End,
}

struct Reader<'s> {
    chars: Peekable<Chars<'s>>,
    /// Delimiters of the here documents that start behind the current line.
    here_documents: Vec<String>,
}

impl Reader<'_> {
    fn token(&mut self) -> Option<Token> {
        loop {
            let c = *self.chars.peek()?;
            match c {
                '\n' => {
                    self.chars.next();
                    self.skip_here_documents();
                    return Some(Token::End);
                }
                '#' => while self.chars.next_if(|c| *c != '\n').is_some() {},
                '&' => {
                    self.chars.next();
                    if self.chars.peek() != Some(&'>') {
                        return Some(Token::End);
                    }
                }
                ';' | '|' | '(' | ')' | '`' => {
                    self.chars.next();
                    return Some(Token::End);
                }
                '>' => {
                    if let Some(file) = self.output() {
                        return Some(Token::Output(file));
                    }
                }
                '<' => self.input(),
                c if c.is_whitespace() => {
                    self.chars.next();
                }
                _ => {
                    let word = self.word();
                    let is_descriptor = word.chars().all(|c| c.is_ascii_digit())
                        && matches!(self.chars.peek(), Some('<' | '>'));
                    match word.as_str() {
                        _ if is_descriptor => {}
                        "{" | "}" => return Some(Token::End),
                        _ => return Some(Token::Word(word)),
                    }
                }
            }
        }
    }

    /// `> file`, `>> file`, `>| file`, and no file for `>&1`.
    fn output(&mut self) -> Option<String> {
        self.chars.next();
        self.chars.next_if(|c| matches!(c, '>' | '|'));
        if self.chars.next_if_eq(&'&').is_some() {
            self.word();
            return None;
        }
        self.skip_blanks();
        Some(self.word()).filter(|file| !file.is_empty())
    }

    /// `< file`, `<<< text`, and `<< END`, whose document begins in the next line.
    fn input(&mut self) {
        self.chars.next();
        let is_document = self.chars.next_if_eq(&'<').is_some();
        let is_text = is_document && self.chars.next_if_eq(&'<').is_some();
        self.chars.next_if(|c| matches!(c, '-' | '&'));
        self.skip_blanks();
        let word = self.word();
        if is_document && !is_text && !word.is_empty() {
            self.here_documents.push(word);
        }
    }

    fn skip_blanks(&mut self) {
        while self.chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
    }

    fn skip_here_documents(&mut self) {
        for delimiter in std::mem::take(&mut self.here_documents) {
            while self.chars.peek().is_some() {
                let line: String = std::iter::from_fn(|| self.chars.next_if(|c| *c != '\n')).collect();
                self.chars.next();
                if line.trim_start_matches('\t') == delimiter {
                    break;
                }
            }
        }
    }

    /// The word that begins here, quotes taken off. Never leaves the place where it stands untouched unless
    /// the word is empty.
    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self.chars.next_if(|c| !c.is_whitespace() && !";|&()<>`".contains(*c)) {
            match c {
                '\'' => word.extend(std::iter::from_fn(|| self.chars.next().filter(|c| *c != '\''))),
                '"' => self.double_quoted(&mut word),
                // A line end behind it is no line end.
                '\\' => word.extend(self.chars.next().filter(|c| *c != '\n')),
                _ => word.push(c),
            }
        }
        word
    }

    fn double_quoted(&mut self, word: &mut String) {
        while let Some(c) = self.chars.next() {
            match c {
                '"' => return,
                '\\' => word.extend(self.chars.next()),
                _ => word.push(c),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &[&str], programs: &[&str]) {
        let commands = commands(line);
        let found: Vec<&str> =
            commands.iter().map(Command::program).filter(|program| !SHELLS.contains(program)).collect();
        assert_eq!(found, programs, "{line:?}");
    }

    #[test]
    fn an_exec_list_is_one_command() {
        check(&["/usr/bin/chown", "-R", "1000", "/data"], &["chown"]);
        check(&["echo", "chown it; mount it"], &["echo"]);
        check(&["--message", "chown"], &["--message"]);
        check(&[], &[]);
    }

    #[test]
    fn scripts_are_taken_apart() {
        check(&["sh", "-c", "chown -R 1 /a && exec app"], &["chown", "app"]);
        check(&["/bin/bash", "-euxc", "mkdir /a; A=1 B=2 touch /b | tee /c"], &["mkdir", "touch", "tee"]);
        check(&["sh", "-c", "if [ -d /x ]; then\n  sysctl -w a=1\nfi"], &["[", "sysctl", "fi"]);
        check(&["sh", "-c", "(cd /a; x=$(id -u) chmod 1 b)"], &["cd", "id", "chmod"]);
        check(&["-c", "mount -a"], &["mount", "-c"]);
        check(&["sh", "-c", "sh -c 'chown a b'"], &["chown"]);
        check(&["tini", "--", "sh", "-c", "chown a b"], &["chown"]);
        check(&["env", "-i", "A=1", "/bin/app"], &["app"]);
        check(&["sh", "-c", "find /a | xargs -0 chown 1; timeout 5s mount /b"], &["find", "chown", "mount"]);
        check(&["find", "/a", "-type", "d", "-exec", "chmod", "1", "{}", "+"], &["find", "chmod"]);
    }

    #[test]
    fn text_is_no_command() {
        check(&["sh", "-c", "echo 'chown a; mount b' \"; sysctl\" # ; iptables"], &["echo"]);
        check(&["sh", "-c", "echo a \\\n  mount b"], &["echo"]);
        check(&["sh", "-c", "cat <<EOF > /a\nmount b\nchown c\nEOF\nls"], &["cat", "ls"]);
        check(&["sh", "-c", "cat <<-'EOF'\n\tmount\n\tEOF\nls <<< mount"], &["cat", "ls"]);
    }

    #[test]
    fn outputs_are_files() {
        let outputs = |script: &str| -> Vec<String> {
            commands(&["sh", "-c", script]).into_iter().flat_map(|command| command.outputs).collect()
        };
        assert_eq!(outputs("a > /b 2>&1 >> c.log; d 2>/dev/null"), ["/b", "c.log", "/dev/null"]);
        assert_eq!(outputs("a &> /b & c >| \"/d e\""), ["/b", "/d e"]);
        assert_eq!(outputs("> /b"), ["/b"]);
        assert_eq!(outputs("a < /b '>' c"), Vec::<String>::new());
        assert_eq!(outputs("a >"), Vec::<String>::new());
    }

    #[test]
    fn odd_scripts_end() {
        for script in ["'", "\"", "\\", "<<", "<<E", ">", "&>", "$(", "#", "((((", "a 2>", "`", "<<A <<B\nx"]
        {
            commands(&["sh", "-c", script]);
        }
    }
}
