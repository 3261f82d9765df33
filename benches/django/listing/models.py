"""The portal's own tables, as they are."""

from django.db import models


class Group(models.Model):
    name = models.TextField()
    display_name = models.TextField()
    display_name_folded = models.TextField()
    kind = models.TextField()

    class Meta:
        managed = False
        db_table = "groups"


class User(models.Model):
    name = models.TextField()
    email = models.TextField()
    first_name = models.TextField()
    last_name = models.TextField()
    sort_folded = models.TextField()
    state = models.TextField()
    administrator = models.BooleanField()
    registered_at = models.DateTimeField()
    last_sign_in_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "users"

    def display(self):
        return f"{self.first_name} {self.last_name}"

    def groups(self):
        return [membership.group for membership in self.current[:3]]

    def folded(self):
        return max(len(self.current) - 3, 0)


class Membership(models.Model):
    pk = models.CompositePrimaryKey("user_id", "group_id", "source")
    user = models.ForeignKey(User, models.DO_NOTHING, related_name="memberships")
    group = models.ForeignKey(Group, models.DO_NOTHING)
    source = models.TextField()
    from_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "memberships"
