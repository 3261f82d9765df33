//! What the layouts draw around a page's content, each drawn by itself: in the template of every page it would be compiled for every page.

use askama::{Template, filters::HtmlSafe};

use super::Frame;

macro_rules! surroundings {
    ($($(#[$words:meta])* $method:ident: $name:ident = $path:tt;)*) => {
        $(#[derive(Template)]
        #[template(path = $path)]
        pub struct $name<'f> {
            frame: &'f Frame,
        }

        // Its own template has escaped what is in it.
        impl HtmlSafe for $name<'_> {})*

        impl Frame {
            $($(#[$words])* pub fn $method(&self) -> $name<'_> {
                $name { frame: self }
            })*
        }
    };
}

surroundings! {
    /// Style, icon and script.
    head: Head = "layouts/_head.html";
    /// What just happened.
    said: Said = "layouts/_said.html";
    /// The publisher portal's menu.
    menu: Menu = "layouts/_publisher.html";
    /// The developer portal's menu.
    top: Top = "layouts/_portal.html";
    /// The developer portal's foot.
    foot: Foot = "layouts/_portal_foot.html";
    /// Over a page that belongs to neither portal.
    plain_top: PlainTop = "layouts/_plain.html";
    /// Under one.
    plain_foot: PlainFoot = "layouts/_plain_foot.html";
}
