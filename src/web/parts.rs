//! Parts of pages that are in many of them and decide much, each drawn by a template of its own: as macros they would be compiled for every
//! place that uses them. The macros in `templates/parts` call these.

use std::borrow::Borrow;

use askama::{Template, filters::HtmlSafe};

use super::{filters, paging::Pager};
use crate::error::Problems;

/// A field of a form.
#[derive(Template)]
#[template(path = "parts/_field.html")]
pub struct Field<'f> {
    name: &'f str,
    label: &'f str,
    value: &'f str,
    error: &'f str,
    hint: &'f str,
    required: bool,
    /// Characters; 0 when nobody counts.
    max: i32,
    focus: bool,
    control: Control<'f>,
}

enum Control<'f> {
    Line { kind: &'f str, autocomplete: &'f str },
    Text { rows: i32, mono: bool },
}

/// The URL template of an operation in a list: of a long one the end, which tells it from its neighbours, and the whole on hover.
#[derive(Template)]
#[template(path = "parts/_url_template.html")]
pub struct UrlTemplate<'u> {
    whole: &'u str,
    shown: String,
    deprecated: bool,
}

pub fn url_template(whole: &(impl AsRef<str> + ?Sized), deprecated: impl Borrow<bool>) -> UrlTemplate<'_> {
    let whole = whole.as_ref();
    UrlTemplate { whole, shown: filters::ending(whole), deprecated: *deprecated.borrow() }
}

// Their own templates have escaped what is in them.
impl HtmlSafe for Field<'_> {}
impl HtmlSafe for Summary<'_> {}
impl HtmlSafe for Foot<'_> {}
impl HtmlSafe for Name<'_> {}
impl HtmlSafe for Moment<'_> {}
impl HtmlSafe for Sort<'_> {}
impl HtmlSafe for UrlTemplate<'_> {}

pub fn line<'f>(
    name: &'f (impl AsRef<str> + ?Sized),
    label: &'f (impl AsRef<str> + ?Sized),
    value: &'f (impl AsRef<str> + ?Sized),
    kind: &'f (impl AsRef<str> + ?Sized),
    autocomplete: &'f (impl AsRef<str> + ?Sized),
) -> Field<'f> {
    let control = Control::Line { kind: kind.as_ref(), autocomplete: autocomplete.as_ref() };
    Field::of(name.as_ref(), label.as_ref(), value.as_ref(), control)
}

pub fn text<'f>(
    name: &'f (impl AsRef<str> + ?Sized),
    label: &'f (impl AsRef<str> + ?Sized),
    value: &'f (impl AsRef<str> + ?Sized),
    rows: impl Borrow<i32>,
    mono: impl Borrow<bool>,
) -> Field<'f> {
    let control = Control::Text { rows: *rows.borrow(), mono: *mono.borrow() };
    Field::of(name.as_ref(), label.as_ref(), value.as_ref(), control)
}

impl<'f> Field<'f> {
    fn of(name: &'f str, label: &'f str, value: &'f str, control: Control<'f>) -> Self {
        Self { name, label, value, error: "", hint: "", required: false, max: 0, focus: false, control }
    }

    /// What is said below it.
    pub fn below(self, error: &'f (impl AsRef<str> + ?Sized), hint: &'f (impl AsRef<str> + ?Sized)) -> Self {
        Self { error: error.as_ref(), hint: hint.as_ref(), ..self }
    }

    /// What it takes, and whether the page begins at it.
    pub fn takes(self, required: impl Borrow<bool>, max: impl Borrow<i32>, focus: bool) -> Self {
        Self { required: *required.borrow(), max: *max.borrow(), focus, ..self }
    }
}

/// What is wrong, at the top of a form that came back.
#[derive(Template)]
#[template(path = "parts/_summary.html")]
pub struct Summary<'p> {
    problems: &'p Problems,
}

pub fn summary(problems: &Problems) -> Summary<'_> {
    Summary { problems }
}

/// The foot of a list that has more than a page.
#[derive(Template)]
#[template(path = "parts/_pager.html")]
pub struct Foot<'p> {
    page: &'p Pager,
}

pub fn foot(page: &Pager) -> Foot<'_> {
    Foot { page }
}

/// A name in a list, in its own direction: a long one is shortened, and whole on hover.
#[derive(Template)]
#[template(path = "parts/_name.html")]
pub struct Name<'n> {
    text: &'n str,
}

pub fn name(text: &(impl AsRef<str> + ?Sized)) -> Name<'_> {
    Name { text: text.as_ref() }
}

/// A moment, as `ui::time` says.
#[derive(Template)]
#[template(path = "parts/_moment.html")]
pub struct Moment<'m> {
    iso: &'m str,
    text: &'m str,
    how: &'m str,
}

pub fn moment<'m>(
    iso: &'m (impl AsRef<str> + ?Sized),
    text: &'m (impl AsRef<str> + ?Sized),
    how: &'m (impl AsRef<str> + ?Sized),
) -> Moment<'m> {
    Moment { iso: iso.as_ref(), text: text.as_ref(), how: how.as_ref() }
}

/// The heading of a column that sorts.
#[derive(Template)]
#[template(path = "parts/_sort.html")]
pub struct Sort<'s> {
    label: &'s str,
    href: &'s str,
    direction: &'s str,
    class: &'s str,
}

pub fn sort<'s>(
    label: &'s (impl AsRef<str> + ?Sized),
    href: &'s (impl AsRef<str> + ?Sized),
    direction: &'s (impl AsRef<str> + ?Sized),
    class: &'s (impl AsRef<str> + ?Sized),
) -> Sort<'s> {
    Sort { label: label.as_ref(), href: href.as_ref(), direction: direction.as_ref(), class: class.as_ref() }
}
