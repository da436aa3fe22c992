"""The HTTP entrances: unsubscribe links, the view in the browser, pictures, webhooks."""
