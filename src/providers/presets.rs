//! The providers that are known by name: what their forms begin with, and how they differ.

/// Which sort of provider it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Microsoft Entra ID.
    Entra,
    Google,
    Okta,
    Keycloak,
    /// OAuth 2 without OpenID Connect.
    GitHub,
    Oidc,
}

/// What a form begins with.
#[derive(Debug)]
pub struct Preset {
    pub issuer: &'static str,
    pub issuer_hint: &'static str,
    pub scopes: &'static str,
    pub groups_claim: &'static str,
    /// Where its directory is, as far as it is known; and what is said beside the field.
    pub directory: &'static str,
    pub directory_hint: &'static str,
    /// Where its people find client id and secret.
    pub where_to: &'static str,
}

impl Kind {
    pub const ALL: [Kind; 6] = [Kind::Entra, Kind::Google, Kind::Okta, Kind::Keycloak, Kind::GitHub, Kind::Oidc];

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Entra => "entra",
            Kind::Google => "google",
            Kind::Okta => "okta",
            Kind::Keycloak => "keycloak",
            Kind::GitHub => "github",
            Kind::Oidc => "oidc",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    pub fn title(self) -> &'static str {
        match self {
            Kind::Entra => "Microsoft Entra ID",
            Kind::Google => "Google",
            Kind::Okta => "Okta",
            Kind::Keycloak => "Keycloak",
            Kind::GitHub => "GitHub",
            Kind::Oidc => "OpenID Connect",
        }
    }

    /// Whether it gives out ID tokens.
    pub fn has_id_tokens(self) -> bool {
        self != Kind::GitHub
    }

    /// Whether it says when somebody proved who they are (`auth_time`), as it must when it is asked to ask anew (OpenID Connect Core,
    /// section 3.1.2.1). Entra, Google and GitHub do not.
    pub fn tells_when(self) -> bool {
        matches!(self, Kind::Okta | Kind::Keycloak | Kind::Oidc)
    }

    /// Whether its groups can be asked for without anybody signing in: by Microsoft Graph, Okta's API, Keycloak's Admin API.
    pub fn has_directory(self) -> bool {
        matches!(self, Kind::Entra | Kind::Okta | Kind::Keycloak)
    }

    /// Whether the directory wants a secret of its own beside the client's.
    pub fn has_directory_secret(self) -> bool {
        self == Kind::Okta
    }

    pub fn preset(self) -> &'static Preset {
        match self {
            Kind::Entra => &Preset {
                issuer: "https://login.microsoftonline.com/TENANT-ID/v2.0",
                issuer_hint: "With your directory’s (tenant) ID in place of TENANT-ID; with “organizations” for several, which are listed below then.",
                scopes: "openid profile email",
                groups_claim: "groups",
                directory: "https://graph.microsoft.com/v1.0",
                directory_hint: "Microsoft Graph, asked by this client: give it the application permissions GroupMember.Read.All and User.Read.All, with the consent of an administrator. Empty: only sign-ins tell of groups.",
                where_to: "In the Entra admin center: App registrations, of the platform Web. Under Token configuration add the optional claim email and the groups claim.",
            },
            Kind::Google => &Preset {
                issuer: "https://accounts.google.com",
                issuer_hint: "The same for everybody.",
                scopes: "openid profile email",
                groups_claim: "",
                directory: "",
                directory_hint: "",
                where_to: "In the Google Cloud console: APIs & Services, Credentials, an OAuth client ID of the type Web application.",
            },
            Kind::Okta => &Preset {
                issuer: "https://ORGANISATION.okta.com",
                issuer_hint: "Your Okta domain, or one of its authorization servers.",
                scopes: "openid profile email groups",
                groups_claim: "groups",
                directory: "",
                directory_hint: "Okta’s API, as in https://contoso.okta.com/api/v1. Groups are known by their IDs then, and no longer by what the claim says. Empty: only sign-ins tell of groups.",
                where_to: "In the Okta admin console: Applications, an OIDC app integration of the type Web Application.",
            },
            Kind::Keycloak => &Preset {
                issuer: "https://KEYCLOAK/realms/REALM",
                issuer_hint: "Your server and realm.",
                scopes: "openid profile email",
                groups_claim: "groups",
                directory: "",
                directory_hint: "The Admin API of the realm, as in https://login.contoso.example/admin/realms/staff. The client needs a service account with the realm-management roles query-groups, query-users and view-users. Groups are known by their IDs then, and no longer by what the claim says. Empty: only sign-ins tell of groups.",
                where_to: "In the admin console of the realm: Clients, with client authentication on and the standard flow. A group membership mapper brings the groups.",
            },
            Kind::GitHub => &Preset {
                issuer: "https://github.com",
                issuer_hint: "The address of your own server for GitHub Enterprise.",
                scopes: "read:user user:email",
                groups_claim: "",
                directory: "",
                directory_hint: "",
                where_to: "In GitHub: Settings of the organisation, Developer settings, OAuth apps.",
            },
            Kind::Oidc => &Preset {
                issuer: "",
                issuer_hint: "Below it stands /.well-known/openid-configuration.",
                scopes: "openid profile email",
                groups_claim: "",
                directory: "",
                directory_hint: "",
                where_to: "Where your provider registers clients: a confidential one for the web, with the authorization code flow.",
            },
        }
    }
}
