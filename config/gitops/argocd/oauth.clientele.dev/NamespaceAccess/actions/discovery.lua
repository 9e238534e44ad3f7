local actions = {}
actions["check-again"] = { displayName = "Check again", iconClass = "fa fa-fw fa-sync" }
return actions
