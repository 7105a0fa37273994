//! Block collections: lines added, lines taken out.

use std::ops::Range;

use super::{Descent, Entry, Holder, Splicer};
use crate::Value;
use crate::change::{Change, Op};
use crate::error::Blocked;
use crate::event::{Event, EventKind};
use crate::render::{self, BlockStyle};
use crate::scalar::{self, Chomping};
use crate::stream::skip_properties;
use crate::style;

impl Splicer<'_> {
    /// Makes `change` happen inside the block mapping or sequence at `site`.
    pub(super) fn block_collection(&mut self, site: usize, change: &Change<'_>, holder: &Holder) {
        let collection = skip_properties(self.events, site);
        let start = self.events[collection].start as usize;
        let column = style::column(self.text, start);
        let mapping = self.events[collection].kind.is_mapping();
        let entries = self.entries(site);
        let Descent { removed, added } = self.descend(&entries, change, |splicer, entry| {
            if mapping { Holder::Key { column, colon: splicer.colon(entry) } } else { Holder::Item }
        });
        let mut gone = vec![false; entries.len()];
        for (index, child) in &removed {
            gone[*index] = self.can_remove(&entries, *index, child, column, mapping);
        }
        let lines = if mapping {
            self.new_entries(&added, column, start)
        } else {
            self.new_items(change, column, &entries)
        };
        let before = self.splices.len();
        let result = self.lay_out(site, &entries, &gone, lines.as_deref(), holder);
        let moved = removed.iter().map(|(_, child)| *child).chain(added.iter().map(|(_, child)| *child));
        self.attribute(before, moved, &change.edits);
        if let Err(blocked) = result {
            let taken_out = removed.iter().filter(|(index, _)| gone[*index]).map(|(_, child)| *child);
            for child in taken_out.chain(added.iter().map(|(_, child)| *child)) {
                self.block(child, blocked);
            }
            self.blocked.extend(change.edits.iter().map(|edit| (*edit, blocked)));
        }
    }

    /// The offset of the colon behind an entry's key.
    fn colon(&self, entry: Entry) -> usize {
        let end = self.end(entry.key);
        memchr::memchr(b':', &self.text[end..]).map_or(end, |found| end + found)
    }

    /// The offset of an item's dash.
    fn dash(&self, entries: &[Entry], index: usize) -> usize {
        let mut at = match index.checked_sub(1) {
            Some(previous) => self.end(entries[previous].value),
            None => return self.first_dash(entries),
        };
        loop {
            match self.text.get(at) {
                Some(b'#') => at = style::line_end(self.text, at),
                Some(b'-') | None => return at,
                Some(_) => at += 1,
            }
        }
    }

    fn first_dash(&self, entries: &[Entry]) -> usize {
        entries.first().map_or(0, |first| {
            // The event in front of the first item is the sequence itself, which starts at its dash.
            self.events[first.key - 1].start as usize
        })
    }

    /// Whether the entry can go without a comment; where it cannot, its neutral value is set.
    fn can_remove(
        &mut self,
        entries: &[Entry],
        index: usize,
        child: &Change<'_>,
        column: usize,
        mapping: bool,
    ) -> bool {
        let range = self.removal(entries, index, mapping);
        let start = if mapping { self.start(entries[index].key) } else { self.dash(entries, index) };
        let checked =
            self.refuse_comment(range.clone()).and_then(|()| self.refuse_text_below(start, range.end));
        let Err(blocked) = checked else { return true };
        match child.op {
            Some(Op::Remove { neutral: Some(neutral) }) => {
                let entry = entries[index];
                let holder =
                    if mapping { Holder::Key { column, colon: self.colon(entry) } } else { Holder::Item };
                self.attempt(child, |splicer| splicer.replace(entry.value, neutral, &holder));
            }
            _ => self.block(child, blocked),
        }
        false
    }

    /// The text that goes with an entry: its lines, or what stands behind a dash.
    fn removal(&self, entries: &[Entry], index: usize, mapping: bool) -> Range<usize> {
        let entry = entries[index];
        let start = if mapping { self.start(entry.key) } else { self.dash(entries, index) };
        let end = self.line_end_of(self.end(entry.value));
        let line_start = style::line_start(self.text, start);
        let alone = self.text[line_start..start].iter().all(|byte| *byte == b' ');
        if alone && line_start > 0 && self.text[line_start - 1] == b'\n' {
            if end == self.text.len() && self.follows_block_scalar(start) {
                // The line break in front belongs to that text.
                return line_start..end;
            }
            // From the end of the line before, so that what is inserted there is not inside the range.
            return self.before_line_break(line_start)..end;
        }
        match entries.get(index + 1) {
            Some(next) if mapping => start..self.start(next.key),
            Some(_) => start..self.dash(entries, index + 1),
            None => start..end,
        }
    }

    /// Refuses to take out what stands from `start` to `end` between a block scalar and lines that would then be
    /// read as its text: blank ones and comments.
    fn refuse_text_below(&self, start: usize, end: usize) -> Result<(), Blocked> {
        let Some(scalar) = self.block_scalar_before(start) else { return Ok(()) };
        let source = &self.document.stream.text[scalar.start as usize..scalar.end as usize];
        let keeps = scalar::chomping(source) == Chomping::Keep;
        let mut at = end;
        while let Some(newline) = memchr::memchr(b'\n', &self.text[at..]) {
            let start = at + newline + 1;
            at = style::line_end(self.text, start);
            let line = &self.text[start..at];
            let indent = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            match line.get(indent) {
                None if indent == 0 && !keeps => {}
                Some(b'#') if indent == 0 => {}
                None | Some(b'#') => return Err(self.layout(start)),
                Some(_) => break,
            }
        }
        Ok(())
    }

    /// Whether the last value in front of `offset` is a block scalar.
    fn follows_block_scalar(&self, offset: usize) -> bool {
        self.block_scalar_before(offset).is_some()
    }

    /// The last value in front of `offset`, where it is a block scalar.
    fn block_scalar_before(&self, offset: usize) -> Option<Event> {
        let range = self.document.events();
        let events = &self.events[range];
        let first = events.partition_point(|event| (event.start as usize) < offset);
        let mut before = events[..first].iter().rev();
        before
            .find(|event| !event.kind.opens() && !is_end(event.kind))
            .copied()
            .filter(|event| event.kind.is_block_scalar())
    }

    /// The end of the line that ends in front of `line_start`, its line break not counted.
    fn before_line_break(&self, line_start: usize) -> usize {
        let newline = line_start - 1;
        if newline > 0 && self.text[newline - 1] == b'\r' { newline - 1 } else { newline }
    }

    /// The end of the last line of content that ends at `end`, its line break and a comment's end not counted.
    fn line_end_of(&self, end: usize) -> usize {
        if end > 0 && self.text[end - 1] == b'\n' {
            // A block scalar: its content ends with its line break.
            return self.before_line_break(end);
        }
        style::line_end(self.text, end)
    }

    /// The end of the comment lines behind the line that ends at `line_end` that belong to the `value` above them:
    /// those deeper than `column`, where new entries go, and items of a list at this column that are commented
    /// out. Keys that are commented out there would otherwise come back, uncommented, in another mapping.
    fn behind_comments_inside(&self, line_end: usize, value: usize, column: usize) -> usize {
        let value = self.node(value);
        let is_list = !value.kind.is_mapping()
            && value.kind.opens()
            && style::column(self.text, value.start as usize) == column;
        let mut inside = line_end;
        let mut in_item = false;
        let mut at = line_end;
        while let Some(newline) = memchr::memchr(b'\n', &self.text[at..]) {
            let start = at + newline + 1;
            let end = style::line_end(self.text, start);
            let line = &self.text[start..end];
            let indent = line.iter().take_while(|byte| **byte == b' ').count();
            match line[indent..].split_first() {
                None => {}
                Some((b'#', comment)) if indent == column && is_list => {
                    in_item = starts_item(comment) || in_item && comment.starts_with(b"  ");
                    if !in_item {
                        break;
                    }
                    inside = end;
                }
                Some((b'#', _)) if indent > column => inside = end,
                // Behind deeper text the tab of a blank line would violate its indentation.
                Some((b'\t', rest)) if rest.iter().all(|byte| matches!(byte, b' ' | b'\t')) => inside = end,
                Some(_) => break,
            }
            at = end;
        }
        inside
    }

    /// The style near `at`, its line breaks still to be those of the line that is extended in the end.
    fn one_line_break(&self, at: usize) -> BlockStyle {
        BlockStyle { line_break: "\n", ..self.block_style(at) }
    }

    /// The new entries of a mapping whose keys stand at `column`, one text each.
    fn new_entries(
        &mut self,
        added: &[(&str, &Change<'_>)],
        column: usize,
        at: usize,
    ) -> Option<Vec<String>> {
        let mut texts = Vec::new();
        for (key, child) in added {
            match child.new_value() {
                Ok(Some(value)) => {
                    texts.push(self.written(|text| {
                        render::block_entry(text, key, &value, column, self.one_line_break(at));
                    }));
                }
                Ok(None) => {}
                Err(blocked) => self.block(child, blocked),
            }
        }
        (!texts.is_empty()).then_some(texts)
    }

    /// The new items of a sequence whose dashes stand at `column`, one text each.
    fn new_items(&self, change: &Change<'_>, column: usize, entries: &[Entry]) -> Option<Vec<String>> {
        let items: Vec<&Value> = change.appended().collect();
        let last = entries.len().checked_sub(1)?;
        if items.is_empty() {
            return None;
        }
        let dash = self.dash(entries, last);
        let item = self.start(entries[last].value);
        let gap = &self.text[dash + 1..item.max(dash + 1)];
        let gap = if !gap.is_empty() && gap.iter().all(|byte| *byte == b' ') { gap.len() } else { 1 };
        let texts = items.into_iter().map(|item| {
            self.written(|text| render::block_item(text, item, column, gap, self.one_line_break(dash)))
        });
        Some(texts.collect())
    }

    /// Takes out the entries that are `gone` and puts `lines` behind those that stay.
    fn lay_out(
        &mut self,
        site: usize,
        entries: &[Entry],
        gone: &[bool],
        lines: Option<&[String]>,
        holder: &Holder,
    ) -> Result<(), Blocked> {
        let collection = self.node(site);
        let start = collection.start as usize;
        let mapping = collection.kind.is_mapping();
        let column = style::column(self.text, start);
        let line_start = style::line_start(self.text, start);
        if lines.is_some() && !self.text[line_start..start].iter().all(|byte| matches!(byte, b' ' | b'-')) {
            return Err(self.layout(start));
        }
        let Some(last_kept) = gone.iter().rposition(|gone| !gone) else {
            return self.replace_all(site, lines, column, holder);
        };
        let first_kept = gone.iter().take_while(|gone| **gone).count();
        let shared_line = line_start + column != start || self.text[line_start..start].contains(&b'-');
        let skip = if shared_line { self.remove_behind_dash(entries, first_kept, mapping)? } else { 0 };
        for index in (skip..gone.len()).filter(|index| gone[*index]) {
            let range = self.removal(entries, index, mapping);
            self.splice(range, String::new());
        }
        let Some(lines) = lines else { return Ok(()) };
        let anchor = self.insertion_entry(entries, gone, last_kept, mapping, start)?;
        let at = self.line_end_of(self.end(entries[anchor].value));
        let at = self.behind_comments_inside(at, entries[anchor].value, column);
        let line_break = style::line_break(self.text, at);
        let text = self.written(|text| {
            for line in lines {
                render::new_line(text, column, "\n");
                text.push_str(line);
            }
        });
        self.splice(at..at, text.replace('\n', line_break));
        Ok(())
    }

    /// Takes out the first entries of a collection that starts behind a dash: the first one that stays moves up
    /// to the dash.
    fn remove_behind_dash(
        &mut self,
        entries: &[Entry],
        first_kept: usize,
        mapping: bool,
    ) -> Result<usize, Blocked> {
        if first_kept == 0 {
            return Ok(0);
        }
        let place = |splicer: &Self, index: usize| {
            if mapping { splicer.start(entries[index].key) } else { splicer.dash(entries, index) }
        };
        let range = place(self, 0)..place(self, first_kept);
        self.refuse_comment(range.clone())?;
        self.splice(range, String::new());
        Ok(first_kept)
    }

    /// The entry behind which new ones go: the last one that stays, or the one before it where a line break
    /// behind the last would become part of its text.
    fn insertion_entry(
        &self,
        entries: &[Entry],
        gone: &[bool],
        last_kept: usize,
        mapping: bool,
        start: usize,
    ) -> Result<usize, Blocked> {
        if !self.ends_in_open_text(entries[last_kept].value) {
            return Ok(last_kept);
        }
        if !mapping {
            return Err(self.layout(start));
        }
        gone[..last_kept].iter().rposition(|gone| !gone).ok_or_else(|| self.layout(start))
    }

    /// Whether the text ends, without a line break, in a block scalar that a line break would change.
    fn ends_in_open_text(&self, site: usize) -> bool {
        let end = self.end(site);
        if end != self.text.len() || self.text.ends_with(b"\n") {
            return false;
        }
        let node = skip_properties(self.events, site);
        let last = if self.events[node].kind.opens() {
            let close = self.events[node].end as usize;
            self.events[node..close].iter().rev().find(|event| !event.kind.opens() && !is_end(event.kind))
        } else {
            self.events.get(node)
        };
        last.is_some_and(|last| {
            let source = &self.document.stream.text[last.start as usize..last.end as usize];
            last.kind.is_block_scalar()
                && scalar::chomping(source) != Chomping::Strip
                && !scalar::text(self.document.stream.text, *last).is_empty()
        })
    }

    /// Nothing of a collection stays: `lines` take its place, or an empty flow collection does.
    fn replace_all(
        &mut self,
        site: usize,
        lines: Option<&[String]>,
        column: usize,
        holder: &Holder,
    ) -> Result<(), Blocked> {
        let collection = self.node(site);
        let start = collection.start as usize;
        let end = self.content_line_end(self.end(site));
        self.refuse_comment(start..end)?;
        if let Some(lines) = lines {
            let text = lines.join(&format!("\n{}", " ".repeat(column)));
            self.splice(start..end, text.replace('\n', style::line_break(self.text, start)));
            return Ok(());
        }
        let empty = if collection.kind.is_mapping() { "{}" } else { "[]" };
        match holder {
            _ if self.has_properties(site) => return Err(self.layout(start)),
            Holder::Key { colon, .. } => {
                self.refuse_comment(colon + 1..start)?;
                self.splice(colon + 1..end, format!(" {empty}"));
            }
            Holder::Item => self.splice(start..end, empty.to_owned()),
            Holder::Root | Holder::Flow(_) => return Err(self.layout(start)),
        }
        Ok(())
    }

    /// The end of content, the line break of a block scalar not counted.
    fn content_line_end(&self, end: usize) -> usize {
        if end > 0 && self.text[end - 1] == b'\n' { self.before_line_break(end) } else { end }
    }

    /// Puts `value` in place of the block collection at `site`, which is the value of a key.
    pub(super) fn replace_block(
        &mut self,
        site: usize,
        value: &Value,
        column: usize,
        colon: usize,
    ) -> Result<(), Blocked> {
        let node = self.node(site);
        let start = node.start as usize;
        let end = self.content_line_end(self.end(site));
        if self.has_properties(site) || self.ends_in_open_text(site) {
            return Err(self.layout(start));
        }
        let own = style::column(self.text, start);
        let style = self.block_style(start);
        self.refuse_comment(start..self.line_end_of(self.end(site)))?;
        let mut text = String::new();
        match value {
            Value::Sequence(items) if node.kind.is_sequence() && !items.is_empty() => {
                for (number, item) in items.iter().enumerate() {
                    if number > 0 {
                        render::new_line(&mut text, own, style.line_break);
                    }
                    render::block_item(&mut text, item, own, 1, style);
                }
                self.splice(start..end, text);
            }
            Value::Mapping(entries) if node.kind.is_mapping() && !entries.is_empty() => {
                for (number, (key, value)) in entries.iter().enumerate() {
                    if number > 0 {
                        render::new_line(&mut text, own, style.line_break);
                    }
                    render::block_entry(&mut text, key, value, own, style);
                }
                self.splice(start..end, text);
            }
            other => {
                self.refuse_comment(colon + 1..start)?;
                render::block_value(&mut text, other, column, style);
                self.splice(colon + 1..end, text);
            }
        }
        Ok(())
    }
}

fn is_end(kind: EventKind) -> bool {
    kind == EventKind::End
}

/// Whether an item of a list is commented out in the text behind a `#`.
fn starts_item(comment: &[u8]) -> bool {
    comment.strip_prefix(b" ").unwrap_or(comment).starts_with(b"- ")
}
