"""The users page: the same rows, menus and counts as the portal's."""

from django.contrib.auth.decorators import user_passes_test
from django.db.models import Prefetch, Q
from django.shortcuts import render
from django.utils import timezone

from .models import Group, Membership, User

COUNTED = 10_000
SIZES = [25, 50, 100]


@user_passes_test(lambda user: user.is_superuser)
def users(request):
    now, page, size = timezone.now(), int(request.GET.get("page", 1)), 50
    found = User.objects.exclude(state="deleted").order_by("sort_folded", "id")
    total = found.order_by()[: COUNTED + 1].count()
    current = Membership.objects.filter(Q(until_at=None) | Q(until_at__gt=now), from_at__lte=now)
    current = current.select_related("group").order_by("group__display_name_folded")
    first = (page - 1) * size
    rows = found[first : first + size].prefetch_related(Prefetch("memberships", current, to_attr="current"))
    context = {
        "users": rows,
        "custom": Group.objects.filter(kind="custom").order_by("display_name_folded")[:200],
        "others": Group.objects.exclude(kind="custom").exclude(name="guests").order_by("-kind", "id"),
        "total": f"{COUNTED:,}+" if total > COUNTED else f"{total:,}",
        "range": f"{first + 1}–{min(first + size, total)} of",
        "sizes": SIZES,
        "size": size,
        "next": page + 1,
        "menus": [("Add to Group", "add"), ("Remove from Group", "remove")],
        "headings": [("State", "state"), ("Registered", "registered"), ("Last sign-in", "signin")],
        "sections": [
            ("dashboard", "/publisher", "Dashboard", "layout-dashboard", "d"),
            ("apis", "/publisher/apis", "APIs", "code-xml", "a"),
            ("products", "/publisher/products", "Products", "package", "p"),
            ("users", "/publisher/users", "Users", "users", "u"),
            ("groups", "/publisher/groups", "Groups", "layers", "g"),
            ("subscriptions", "/publisher/subscriptions", "Subscriptions", "key-round", "s"),
            ("audit", "/publisher/audit", "Audit", "history", "l"),
            ("settings", "/publisher/settings", "Settings", "settings", "e"),
        ],
        "icons": "/assets/img/icons-0123456789abcdef.svg",
    }
    return render(request, "users.html", context)
