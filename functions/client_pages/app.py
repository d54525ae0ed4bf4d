"""The pages that clients open from a message: today the one behind an unsubscribe link. There is no API key here."""

from carillon.bootstrap.client_pages import failed_page, unsubscribe_page
from carillon.runtime.pages import page_door

lambda_handler = page_door({"/u/": unsubscribe_page}, failed_page)
