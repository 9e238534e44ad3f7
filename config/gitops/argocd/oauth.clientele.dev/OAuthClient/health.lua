-- Health of an OAuthClient. Argo CD's Lua has the base and table libraries only.
local waiting = { status = "Progressing", message = "The operator has not seen this OAuthClient yet, or not since its spec changed" }
local status = obj.status
if status == nil or status.conditions == nil or status.observedGeneration ~= obj.metadata.generation then
  return waiting
end

local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end
local ready = conditions["Ready"]
if ready == nil then
  return waiting
end

local health = { status = "Progressing", message = ready.reason }
if ready.message ~= nil and ready.message ~= "" then
  health.message = ready.reason .. ": " .. ready.message
end
if conditions["Stalled"] ~= nil then
  -- Nothing more happens until something is changed.
  health.status = "Degraded"
elseif ready.status == "True" and conditions["Reconciling"] == nil then
  health.status = "Healthy"
  -- Healthy also where spec.disabled is true: the spec is reached. (Suspended would hold
  -- up sync waves.) Scopes and exceptions are granted by others, who may need days.
  for _, beside in ipairs({ "ScopesGranted", "PKCEOptional" }) do
    local condition = conditions[beside]
    if condition ~= nil and condition.status == "False" then
      health.message = health.message .. "; " .. beside .. " is False: " .. condition.reason
      if condition.message ~= nil and condition.message ~= "" then
        health.message = health.message .. ": " .. condition.message
      end
    end
  end
end
return health
