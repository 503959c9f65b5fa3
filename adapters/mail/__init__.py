"""Mail: written from templates; sent by SMTP, into files, or kept in memory."""

from adapters.mail.files import FileMailer
from adapters.mail.memory import MemoryMailer
from adapters.mail.smtp import SmtpMailer, SmtpServer
from adapters.mail.templates import JinjaTemplates, UnknownLanguage

__all__ = ["FileMailer", "JinjaTemplates", "MemoryMailer", "SmtpMailer", "SmtpServer", "UnknownLanguage"]
