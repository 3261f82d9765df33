from django.urls import path
from listing.views import users

urlpatterns = [path("users", users)]
