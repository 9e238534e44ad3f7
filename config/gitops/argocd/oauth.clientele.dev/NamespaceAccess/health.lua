-- Health of a NamespaceAccess. Argo CD's Lua has the base and table libraries only.
local waiting = { status = "Progressing", message = "The operator has not seen this NamespaceAccess yet, or not since its spec changed" }
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
end
return health
