//! The mails that the portal writes: when, with which parameters, and what they say until an administrator says it otherwise.

use serde::{Deserialize, Serialize};

/// A name after a dollar, which stands for something that is known when the mail is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: &'static str,
    /// What it stands for.
    pub what: &'static str,
    /// For the preview.
    pub sample: &'static str,
}

const fn parameter(name: &'static str, what: &'static str, sample: &'static str) -> Parameter {
    Parameter { name, what, sample }
}

const SITE_NAME: Parameter = parameter("OrganizationName", "the portal’s name", "Portico");
const PORTAL_URL: Parameter = parameter("DevPortalUrl", "the portal’s address", "https://portal.example");
const FIRST_NAME: Parameter = parameter("DevFirstName", "the recipient’s first name", "Ana");
const LAST_NAME: Parameter = parameter("DevLastName", "the recipient’s last name", "Alves");
const EMAIL: Parameter = parameter("DevEmail", "the recipient’s address", "ana.alves@contoso.example");
const LINK: Parameter = parameter("ConfirmUrl", "the address to open, which works once", "https://portal.example/confirm?token=…");
const VALID_FOR: Parameter = parameter("ValidFor", "how long the link works", "2 days");
const PRODUCT: Parameter = parameter("ProdName", "the product’s name", "Parcel tracking");
const SUBSCRIPTION: Parameter = parameter("SubName", "the subscription’s name", "Warehouse in Porto");
const SUBSCRIPTION_URL: Parameter = parameter("SubUrl", "the subscription’s page", "https://portal.example/account/subscriptions/7k2m");
const PRODUCT_URL: Parameter = parameter("ProdUrl", "the product’s page", "https://portal.example/products/parcel-tracking");
const PRODUCT_ID: Parameter = parameter("ProdId", "the product’s name in addresses", "parcel-tracking");
const SUB_DECLINE_REASON: Parameter =
    parameter("SubDeclineReason", "why it was declined, if that was said", "Please use the sandbox first.");
const COMMENT: Parameter = parameter("Comment", "what the administrator wrote, if anything", "Please use the sandbox first.");
const DEVELOPER: Parameter = parameter("Developer", "the developer’s name", "Ana Alves");
const DEVELOPER_EMAIL: Parameter = parameter("DeveloperEmail", "the developer’s address", "ana.alves@contoso.example");
const PAGE_URL: Parameter = parameter("PageUrl", "the page in the publisher portal", "https://portal.example/publisher/subscriptions");
const INVITER: Parameter = parameter("Inviter", "who invites", "Rosa Meyer");
const WHICH_KEY: Parameter = parameter("WhichKey", "primary or secondary", "primary");
const ENDS: Parameter = parameter("Ends", "a sentence with the day it ends, if it does", "It works to the end of 31 Dec 2026 (UTC).");
const END_DATE: Parameter = parameter("EndDate", "its last day, in UTC", "31 Dec 2026");
const SIGN_IN_URL: Parameter = parameter("SignInUrl", "where to sign in", "https://portal.example/signin");
const NEW_EMAIL: Parameter = parameter("NewEmail", "the new address", "ana@contoso.example");

/// A kind of mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    ConfirmSignUp,
    AccountExists,
    Invitation,
    PasswordReset,
    PasswordResetByAdministrator,
    EmailChange,
    EmailChangeAsked,
    EmailChangedByAdministrator,
    AddressInUse,
    ConfirmProvider,
    NewDeveloper,
    SubscriptionRequested,
    SubscriptionActivated,
    SubscriptionDeclined,
    SubscriptionSuspended,
    SubscriptionCancelled,
    SubscriptionEnding,
    KeyRegenerated,
    AccessLost,
    AccountClosed,
    NoticeSubscriptionRequested,
    NoticeSubscriptionNew,
    NoticeAccountClosed,
    NoticeSignUp,
}

/// What is known of a kind.
#[derive(Debug)]
pub struct Facts {
    /// In addresses and in the database.
    pub name: &'static str,
    pub title: &'static str,
    /// When it is sent, and to whom.
    pub when: &'static str,
    parameters: &'static [Parameter],
    pub subject: &'static str,
    pub body: &'static str,
}

/// Those that every mail has.
const COMMON: [Parameter; 5] = [FIRST_NAME, LAST_NAME, EMAIL, SITE_NAME, PORTAL_URL];

impl Facts {
    pub fn parameters(&self) -> impl Iterator<Item = &'static Parameter> + use<> {
        self.parameters.iter().chain(COMMON.iter())
    }
}

impl Kind {
    pub const ALL: [Kind; 24] = [
        Kind::ConfirmSignUp,
        Kind::AccountExists,
        Kind::Invitation,
        Kind::PasswordReset,
        Kind::PasswordResetByAdministrator,
        Kind::EmailChange,
        Kind::EmailChangeAsked,
        Kind::EmailChangedByAdministrator,
        Kind::AddressInUse,
        Kind::ConfirmProvider,
        Kind::NewDeveloper,
        Kind::SubscriptionRequested,
        Kind::SubscriptionActivated,
        Kind::SubscriptionDeclined,
        Kind::SubscriptionSuspended,
        Kind::SubscriptionCancelled,
        Kind::SubscriptionEnding,
        Kind::KeyRegenerated,
        Kind::AccessLost,
        Kind::AccountClosed,
        Kind::NoticeSubscriptionRequested,
        Kind::NoticeSubscriptionNew,
        Kind::NoticeAccountClosed,
        Kind::NoticeSignUp,
    ];

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.facts().name == name)
    }

    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Whether it holds a link that lets its reader in.
    pub fn has_link(self) -> bool {
        self.facts().parameters.iter().any(|parameter| parameter.name == LINK.name)
    }

    /// Whether it goes to administrators, who are not sent a copy of what they get anyway.
    pub fn is_notice(self) -> bool {
        matches!(self, Kind::NoticeSubscriptionRequested | Kind::NoticeSubscriptionNew | Kind::NoticeAccountClosed | Kind::NoticeSignUp)
    }

    /// Whether it tells of somebody who is gone: what it says goes when it has left.
    pub(super) fn is_farewell(self) -> bool {
        matches!(self, Kind::AccountClosed | Kind::NoticeAccountClosed)
    }

    pub fn facts(self) -> &'static Facts {
        match self {
            Kind::ConfirmSignUp => &Facts {
                name: "confirm-sign-up",
                title: "Confirm sign-up",
                when: "To somebody who signs up, before the account can be used",
                parameters: &[LINK, VALID_FOR],
                subject: "Confirm your address for $OrganizationName",
                body: "Hello $DevFirstName,\n\nSomebody, you we hope, signed up at $OrganizationName with this address. To open the account, confirm the address and choose a password:\n\n\
                    [Confirm my address]($ConfirmUrl)\n\nThe link works once, for $ValidFor. If it was not you, do nothing: the account stays closed.\n",
            },
            Kind::AccountExists => &Facts {
                name: "account-exists",
                title: "Account exists",
                when: "To somebody whose address is signed up once more, while the account is active",
                parameters: &[SIGN_IN_URL],
                subject: "You have an account at $OrganizationName",
                body: "Hello $DevFirstName,\n\nSomebody, you we hope, wanted to open an account at $OrganizationName with this address. You have one already:\n\n\
                    [Sign in]($SignInUrl)\n\nForgotten the password? The page for signing in leads to a new one. If it was not you, do nothing: nothing \
                    was changed.\n",
            },
            Kind::Invitation => &Facts {
                name: "invitation",
                title: "Invitation",
                when: "To somebody whom an administrator invites",
                parameters: &[LINK, VALID_FOR, INVITER],
                subject: "$Inviter invites you to $OrganizationName",
                body: "Hello,\n\n$Inviter invites you to $OrganizationName, where the APIs are described that are open to you, and where you get keys to call them.\n\n\
                    [Accept the invitation]($ConfirmUrl)\n\nThe link works once, for $ValidFor.\n",
            },
            Kind::PasswordReset => &Facts {
                name: "password-reset",
                title: "Password reset",
                when: "To somebody who has forgotten the password",
                parameters: &[LINK, VALID_FOR],
                subject: "A new password for $OrganizationName",
                body: "Hello $DevFirstName,\n\nSomebody asked for a new password for your account at $OrganizationName. To choose one:\n\n\
                    [Choose a new password]($ConfirmUrl)\n\nThe link works once, for $ValidFor. If you did not ask, do nothing: your password stays as it is.\n",
            },
            Kind::PasswordResetByAdministrator => &Facts {
                name: "password-reset-by-administrator",
                title: "Password reset by an administrator",
                when: "To a user for whom an administrator asks for a new password",
                parameters: &[LINK, VALID_FOR],
                subject: "Choose a new password for $OrganizationName",
                body: "Hello $DevFirstName,\n\nAn administrator of $OrganizationName asks you to choose a new password:\n\n\
                    [Choose a new password]($ConfirmUrl)\n\nThe link works once, for $ValidFor.\n",
            },
            Kind::EmailChange => &Facts {
                name: "email-change",
                title: "Change of address",
                when: "To the new address, before it takes the old one’s place",
                parameters: &[LINK, VALID_FOR, NEW_EMAIL],
                subject: "Confirm your new address for $OrganizationName",
                body: "Hello $DevFirstName,\n\nYou asked that your account at $OrganizationName goes by the address $NewEmail from now on. To confirm it:\n\n\
                    [Confirm the new address]($ConfirmUrl)\n\nThe link works once, for $ValidFor. Until then the old address stays.\n",
            },
            Kind::EmailChangeAsked => &Facts {
                name: "email-change-asked",
                title: "Change of address asked for",
                when: "To the old address, when somebody asks for another one",
                parameters: &[NEW_EMAIL, SIGN_IN_URL],
                subject: "Another address for your account at $OrganizationName",
                body: "Hello $DevFirstName,\n\nSomebody, you we hope, asked that your account at $OrganizationName goes by the address $NewEmail. It does once \
                    that address is confirmed.\n\nIf it was not you, change your password now, which ends the request:\n\n[Sign in]($SignInUrl)\n",
            },
            Kind::EmailChangedByAdministrator => &Facts {
                name: "email-changed-by-administrator",
                title: "Address changed by an administrator",
                when: "To the old address, when an administrator has put another one in its place",
                parameters: &[NEW_EMAIL, SIGN_IN_URL],
                subject: "Your account at $OrganizationName goes by another address",
                body: "Hello $DevFirstName,\n\nAn administrator of $OrganizationName changed the address of your account: it goes by $NewEmail from now on, \
                    and this address no longer opens it.\n\nIf that is wrong, tell the people who run $OrganizationName at once:\n\n[The portal]($SignInUrl)\n",
            },
            Kind::AddressInUse => &Facts {
                name: "address-in-use",
                title: "Address in use",
                when: "To somebody whose address another account asks for",
                parameters: &[SIGN_IN_URL],
                subject: "Your address at $OrganizationName",
                body: "Hello $DevFirstName,\n\nSomebody, you perhaps, wanted to give this address to another account at $OrganizationName. It belongs to yours, and \
                    stays with it:\n\n[Sign in]($SignInUrl)\n\nIf it was not you, do nothing: nothing was changed.\n",
            },
            Kind::ConfirmProvider => &Facts {
                name: "confirm-provider",
                title: "Confirm sign-in by a provider",
                when: "To the address of somebody who comes by an identity provider that does not vouch for it",
                parameters: &[LINK, VALID_FOR],
                subject: "Confirm your address for $OrganizationName",
                body: "Hello $DevFirstName,\n\nSomebody, you we hope, signs in at $OrganizationName with an account of an organisation, and says that this address is \
                    theirs. If that is you, go on in the browser in which you began:\n\n\
                    [Confirm my address]($ConfirmUrl)\n\nThe link works once, for $ValidFor. If it was not you, do nothing: nothing was changed.\n",
            },
            Kind::NewDeveloper => &Facts {
                name: "new-developer",
                title: "New developer",
                when: "To somebody whose account has become active",
                parameters: &[],
                subject: "Welcome to $OrganizationName",
                body: "Hello $DevFirstName,\n\nYour account at $OrganizationName is open. You sign in with $DevEmail:\n\n$DevPortalUrl\n",
            },
            Kind::SubscriptionRequested => &Facts {
                name: "subscription-requested",
                title: "Subscription requested",
                when: "To the developer, when the product needs approval",
                parameters: &[PRODUCT, PRODUCT_ID, PRODUCT_URL, SUBSCRIPTION, SUBSCRIPTION_URL],
                subject: "Your request for $ProdName",
                body: "Hello $DevFirstName,\n\nWe have your request “$SubName” for [$ProdName]($ProdUrl). An administrator decides on it, and you \
                    hear of it by mail.\n\n[See the request]($SubUrl)\n",
            },
            Kind::SubscriptionActivated => &Facts {
                name: "subscription-activated",
                title: "Subscription activated",
                when: "To the developer, when a subscription becomes active",
                parameters: &[PRODUCT, PRODUCT_ID, PRODUCT_URL, SUBSCRIPTION, SUBSCRIPTION_URL, ENDS, COMMENT],
                subject: "Your subscription to $ProdName is active",
                body: "Hello $DevFirstName,\n\nYour subscription “$SubName” to [$ProdName]($ProdUrl) is active. Its keys are on its page:\n\n\
                    [Show the keys]($SubUrl)\n\n$Ends\n\n$Comment\n",
            },
            Kind::SubscriptionDeclined => &Facts {
                name: "subscription-declined",
                title: "Subscription declined",
                when: "To the developer, when an administrator declines a request",
                parameters: &[PRODUCT, PRODUCT_ID, PRODUCT_URL, SUBSCRIPTION, SUBSCRIPTION_URL, SUB_DECLINE_REASON, COMMENT],
                subject: "Your request for $ProdName was declined",
                body: "Hello $DevFirstName,\n\nYour request “$SubName” for [$ProdName]($ProdUrl) was declined.\n\n$SubDeclineReason\n",
            },
            Kind::SubscriptionSuspended => &Facts {
                name: "subscription-suspended",
                title: "Subscription suspended",
                when: "To the developer, when an administrator suspends a subscription",
                parameters: &[PRODUCT, PRODUCT_ID, PRODUCT_URL, SUBSCRIPTION, SUBSCRIPTION_URL, COMMENT],
                subject: "Your subscription to $ProdName is suspended",
                body: "Hello $DevFirstName,\n\nYour subscription “$SubName” to [$ProdName]($ProdUrl) is suspended: its keys do not work until an \
                    administrator of $OrganizationName activates it again.\n\n$Comment\n\n[See the subscription]($SubUrl)\n",
            },
            Kind::SubscriptionCancelled => &Facts {
                name: "subscription-cancelled",
                title: "Subscription cancelled",
                when: "To the developer, when a subscription is cancelled or has come to its end",
                parameters: &[PRODUCT, PRODUCT_ID, PRODUCT_URL, SUBSCRIPTION, SUBSCRIPTION_URL, COMMENT],
                subject: "Your subscription to $ProdName has ended",
                body: "Hello $DevFirstName,\n\nYour subscription “$SubName” to [$ProdName]($ProdUrl) has ended, and its keys no longer work.\n\n$Comment\n",
            },
            Kind::SubscriptionEnding => &Facts {
                name: "subscription-ending",
                title: "Subscription ending",
                when: "To the developer, two weeks and then a day before a subscription comes to its end",
                parameters: &[PRODUCT, PRODUCT_ID, PRODUCT_URL, SUBSCRIPTION, SUBSCRIPTION_URL, END_DATE],
                subject: "Your subscription to $ProdName ends on $EndDate",
                body: "Hello $DevFirstName,\n\nYour [subscription “$SubName”]($SubUrl) to $ProdName works to the end of $EndDate (UTC). \
                    Then its keys stop working. If you need it longer, ask an administrator of $OrganizationName.\n",
            },
            Kind::KeyRegenerated => &Facts {
                name: "key-regenerated",
                title: "Key regenerated",
                when: "To the owner, when one of the two keys was regenerated",
                parameters: &[PRODUCT, SUBSCRIPTION, SUBSCRIPTION_URL, WHICH_KEY],
                subject: "A key of “$SubName” was regenerated",
                body: "Hello $DevFirstName,\n\nThe $WhichKey key of your subscription “$SubName” to $ProdName was regenerated. The old one no longer works; \
                    the other key still does.\n\n[Show the keys]($SubUrl)\n",
            },
            Kind::AccessLost => &Facts {
                name: "access-lost",
                title: "Access lost",
                when: "To a developer whose groups no longer open a product that they are subscribed to",
                parameters: &[PRODUCT, SUBSCRIPTION, SUBSCRIPTION_URL],
                subject: "$ProdName is no longer listed for you",
                body: "Hello $DevFirstName,\n\n$ProdName is no longer open to a group that you are in. Your subscription “$SubName” goes on, and its keys \
                    work; you cannot add another.\n\n[See the subscription]($SubUrl)\n",
            },
            Kind::AccountClosed => &Facts {
                name: "account-closed",
                title: "Account closed",
                when: "To somebody whose account was closed or deleted",
                parameters: &[],
                subject: "Your account at $OrganizationName is closed",
                body: "Hello $DevFirstName,\n\nYour account at $OrganizationName is closed, and what it held of you is removed. Farewell, and thank you.\n",
            },
            Kind::NoticeSubscriptionRequested => &Facts {
                name: "notice-subscription-requested",
                title: "Notice: subscription requested",
                when: "To those who are told of subscription requests",
                parameters: &[DEVELOPER, DEVELOPER_EMAIL, PRODUCT, SUBSCRIPTION, PAGE_URL],
                subject: "$Developer asks for $ProdName",
                body: "$Developer ($DeveloperEmail) asks for a subscription “$SubName” to $ProdName.\n\n[Decide]($PageUrl)\n",
            },
            Kind::NoticeSubscriptionNew => &Facts {
                name: "notice-subscription-new",
                title: "Notice: new subscription",
                when: "To those who are told of new subscriptions",
                parameters: &[DEVELOPER, DEVELOPER_EMAIL, PRODUCT, SUBSCRIPTION, PAGE_URL],
                subject: "$Developer subscribed to $ProdName",
                body: "$Developer ($DeveloperEmail) has an active subscription “$SubName” to $ProdName.\n\n[See the subscriptions]($PageUrl)\n",
            },
            Kind::NoticeAccountClosed => &Facts {
                name: "notice-account-closed",
                title: "Notice: account closed",
                when: "To those who are told of closed accounts",
                parameters: &[DEVELOPER, DEVELOPER_EMAIL, PAGE_URL],
                subject: "$Developer closed the account",
                body: "$Developer ($DeveloperEmail) has closed the account.\n\n[See the users]($PageUrl)\n",
            },
            Kind::NoticeSignUp => &Facts {
                name: "notice-sign-up",
                title: "Notice: new sign-up",
                when: "To those who are told of new sign-ups",
                parameters: &[DEVELOPER, DEVELOPER_EMAIL, PAGE_URL],
                subject: "$Developer signed up",
                body: "$Developer ($DeveloperEmail) signed up and confirmed the address.\n\n[See the user]($PageUrl)\n",
            },
        }
    }
}
