//! HTML that survives Markdown: escaped, and with no blank line in it, at which Markdown would end it.

use std::path::Path;

/// Text for an element or for a quoted attribute. Line ends become references: Markdown then sees one line.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The way from a page to the folder of all pages: `../` for each folder the page is in.
pub fn way_up(page: &Path) -> String {
    let folders = page.components().count().saturating_sub(1);
    "../".repeat(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_text_is_taken_for_markup() {
        assert_eq!(escape("<b a=\"&\">\n\n"), "&lt;b a=&quot;&amp;&quot;&gt;&#10;&#10;");
    }

    #[test]
    fn the_way_up_is_as_long_as_the_way_down() {
        assert_eq!(way_up(Path::new("a.md")), "");
        assert_eq!(way_up(Path::new("appendix/deep/a.md")), "../../");
    }
}
