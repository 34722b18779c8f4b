//! Elements of an XML document.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesText, Event};

/// An element with its attributes, comments and children.
pub struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    comments: Vec<String>,
    children: Vec<Element>,
}

impl Element {
    /// An element of this name.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            attributes: Vec::new(),
            comments: Vec::new(),
            children: Vec::new(),
        }
    }

    /// With an attribute.
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((key, value.into()));
        self
    }

    /// With an attribute of one or more numbers.
    pub fn numbers(self, key: &'static str, values: &[f64]) -> Self {
        self.with(key, numbers(values))
    }

    /// With a comment before its children.
    pub fn comment(mut self, text: &str) -> Self {
        // "--" would end the comment; one round leaves one in "---"
        self.comments.push(text.replace("--", "- -").replace("--", "- -"));
        self
    }

    /// With a child.
    pub fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// With children.
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// Adds a child.
    pub fn push(&mut self, child: Self) {
        self.children.push(child);
    }

    /// The document with this root.
    ///
    /// # Errors
    /// Text that cannot be written.
    pub fn document(&self) -> io::Result<String> {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        self.write(&mut writer)?;
        let mut bytes = writer.into_inner();
        bytes.push(b'\n');
        String::from_utf8(bytes).map_err(io::Error::other)
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let attributes = self.attributes.iter().map(|(k, v)| (*k, v.as_str()));
        let element = writer.create_element(self.name).with_attributes(attributes);
        if self.children.is_empty() && self.comments.is_empty() {
            element.write_empty()?;
            return Ok(());
        }
        element.write_inner_content(|writer| {
            for comment in &self.comments {
                let text = format!(" {comment} ");
                writer.write_event(Event::Comment(BytesText::from_escaped(text)))?;
            }
            self.children.iter().try_for_each(|child| child.write(writer))
        })?;
        Ok(())
    }
}

/// Numbers as XML attributes have them: the shortest text that reads back as the same number.
pub fn numbers(values: &[f64]) -> String {
    let texts: Vec<String> = values.iter().map(|v| format!("{}", v + 0.0)).collect();
    texts.join(" ")
}
