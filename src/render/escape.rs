//! Text from a database or a file made harmless for each format. Control and invisible characters are written out in all of them.

use crate::report::text::{is_unsafe, one_line};

/// Text of an HTML element or of a quoted attribute.
pub(super) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Text within a line of Markdown, of a table's cell too: nothing in it is markup, a link, or somebody who is told.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let line = one_line(text);
    let mut before = String::new();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // No entity is known everywhere; these are, and no raw HTML begins with them.
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // GitHub looks for names and addresses after it has read the backslashes.
            '@' => out.push_str("@<!-- -->"),
            '.' if before.eq_ignore_ascii_case("www") => out.push_str("\\."),
            ':' if chars.peek() == Some(&'/') => out.push_str("\\:"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
        if c.is_alphanumeric() {
            before.push(c);
        } else {
            before.clear();
        }
    }
    out
}

/// The message of a workflow command of GitHub Actions.
///
/// The rules are those of `escapeData` in GitHub's own toolkit (`@actions/core`, `command.ts`).
pub(super) fn workflow_message(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| {
            if c != '\n' && is_unsafe(c) {
                one_line(&c.to_string())
            } else {
                c.to_string()
            }
        })
        .collect();
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of a workflow command: as the message, and without what separates properties (`escapeProperty`).
pub(super) fn workflow_property(text: &str) -> String {
    workflow_message(&one_line(text))
        .replace(':', "%3A")
        .replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{html, markdown, workflow_message, workflow_property};

    #[test]
    fn html_holds_no_markup() {
        assert_eq!(
            html("<script>\"a\" & 'b'\u{202e}\n"),
            "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;\\u{202e}\\n"
        );
    }

    #[test]
    fn markdown_holds_no_markup() {
        assert_eq!(
            markdown("a|b `c` *d* _e_ [f](g) <h> & #1 $m$ ~x~"),
            r"a\|b \`c\` \*d\* \_e\_ \[f\](g) &lt;h&gt; &amp; \#1 \$m\$ \~x\~"
        );
        assert_eq!(markdown("![x](http://y)"), r"\!\[x\](http\://y)");
        assert_eq!(markdown("WWW.x.org www.y a.b"), r"WWW\.x.org www\.y a.b");
        assert_eq!(markdown("ask @root"), "ask @<!-- -->root");
        assert_eq!(markdown("a\n# b\r\u{1b}"), r"a\\n\# b\\r\\u{001b}");
    }

    #[test]
    fn a_workflow_command_stays_one_line() {
        assert_eq!(workflow_message("100 %\na: b, c"), "100 %25%0Aa: b, c");
        assert_eq!(
            workflow_message("a\r::error::b\u{1b}"),
            "a\\r::error::b\\u{001b}"
        );
        assert_eq!(
            workflow_property("a,b:c%\n::error::d"),
            "a%2Cb%3Ac%25\\n%3A%3Aerror%3A%3Ad"
        );
    }
}
