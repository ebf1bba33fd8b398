"""The API's own document: every call is in it, it is valid, and real calls keep to it."""

import re

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CheckContext

from services.api.app import CALLS
from tests.api.client import Api

OPEN = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/"}
