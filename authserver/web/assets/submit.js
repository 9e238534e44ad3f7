// The whole script of these pages: sends the form of a form_post response.
document.forms[0].submit();
