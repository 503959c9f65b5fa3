"""Mail: written from templates; sent by SMTP (`smtp.py`, for who has a mail server), into files, or kept in memory."""

from adapters.mail.files import FileMailer
from adapters.mail.memory import MemoryMailer
from adapters.mail.templates import JinjaTemplates, UnknownLanguage

__all__ = ["FileMailer", "JinjaTemplates", "MemoryMailer", "UnknownLanguage"]
