-- SPDX-License-Identifier: Apache-2.0
--
-- Azure Monitor's common alert schema. Resolved is what tells that a containment may be lifted;
-- it carries the same id as what fired. Also entries of the activity log by themselves, which say
-- who did what; those of category Security are Defender for Cloud's.

local COMMON = "azuremonitorcommonalertschema"

-- What an action group sends that has the common schema switched off: metric, log and activity
-- log alerts, smart detection, budgets.
local old_schemas = { "^azuremonitor", "^nearrealtimemetric", "^microsoft%.insights/", "^aip budget" }

local function schema_of(event)
    return (alert.text(event, "schemaId") or ""):lower()
end

local function is_old(event)
    for _, pattern in ipairs(old_schemas) do
        if schema_of(event) ~= COMMON and schema_of(event):find(pattern) then return true end
    end
    return false
end

-- The classic metric alert had no schemaId.
local function is_classic(event)
    local context = alert.get(event, "context")
    return schema_of(event) == "" and type(alert.get(event, "status")) == "string"
        and type(alert.get(context, "conditionType")) == "string" and type(alert.get(context, "resourceId")) == "string"
end

local function refuse_old(event)
    local name = alert.text(event, "schemaId") or "of classic metric alerts"
    alert.refuse("the action group sent the old Azure Monitor schema " .. name .. ", and cordon reads the common alert"
        .. " schema only: switch it on in the action group (edit its webhook action: \"Enable the common alert schema\" = Yes;"
        .. " in a template: useCommonAlertSchema = true)")
end

-- An instance has an id of its own in AlertsManagement; an activity log alert has that of its
-- rule there, which all that it ever fires share.
local function id_of(essentials)
    local id, origin = alert.text(essentials, "alertId"), alert.text(essentials, "originAlertId")
    if id and id:lower():find("/microsoft.alertsmanagement/alerts/", 1, true) then return id end
    return origin or id or alert.refuse("the Azure Monitor alert has no alertId")
end

-- An operation of the activity log on one of Defender for Cloud's alerts.
local function operation_of(context)
    local operation = (alert.text(context, "operationName") or ""):lower()
    return operation:match("^microsoft%.security/.*alerts/(%a+)/action$")
end

local function is_of_security(context)
    return (alert.text(context, "eventSource") or ""):lower() == "security" or operation_of(context) ~= nil
end

-- The ids by which Defender for Cloud tells of the same alert elsewhere.
local function security_keys(context)
    local properties = alert.opened(alert.get(context, "properties"))
    local resource = alert.text(context, "resourceId") or ""
    return alert.keys("defender-for-cloud", resource:match("/[aA][lL][eE][rR][tT][sS]/([^/]+)"),
        alert.text(properties, "systemAlertId", "providerAlertId"), alert.text(context, "operationId"),
        alert.text(context, "correlationId"))
end

local endings = {
    dismiss = "dismissed", dismissed = "dismissed", resolve = "resolved", resolved = "resolved", closed = "resolved",
    deactivated = "resolved",
}

-- Resolved, or an entry that tells that somebody ended the security alert.
local function status_of(condition, context)
    local said = { condition, operation_of(context) or "" }
    if is_of_security(context) then
        local properties = alert.opened(alert.get(context, "properties"))
        alert.join(said, { alert.text(context, "status") or "" }, { alert.text(properties, "status") })
    end
    for _, word in ipairs(said) do
        if endings[word:lower()] then return endings[word:lower()] end
    end
    return "active"
end

-- A security alert that comes by way of the activity log tells how bad it is itself. Services
-- send other words than the schema lists (service health: Informational); one that is none of
-- ours is no measure of anything.
local function severity_of(found, essentials, context, is_security)
    local properties = alert.opened(alert.get(context, "properties"))
    if is_security and alert.get(properties, "severity") ~= nil then
        return alert.graded("the security alert", properties, { "severity" })
    end
    if is_security then
        alert.note(found, "the security alert has no severity of its own: that of the rule stands for it")
    end
    local word = alert.get(essentials, "severity")
    local ours = alert.severity(word) or alert.severity("sev" .. tostring(word))
    if not ours then
        alert.note(found, 'the severity "' .. alert.shown(word or "")
            .. '" is none of Sev0 to Sev4: informational')
    end
    return ours or "informational"
end

-- Dimensions of log alerts that name what the query found.
local dimensions = {
    computer = "hosts", host = "hosts", hostname = "hosts", device = "hosts", devicename = "hosts", machine = "hosts",
    account = "accounts", accountname = "accounts", accountupn = "accounts", user = "accounts", username = "accounts",
    userid = "accounts", useraccount = "accounts", userprincipalname = "accounts", upn = "accounts", caller = "accounts",
    identity = "accounts", url = "urls", requesturl = "urls", resourceid = "resources", azureresourceid = "resources",
}

local function read_dimension(found, name, value)
    local list = dimensions[alert.squeezed(name)]
    if list == "resources" then
        alert.join(found.resources, alert.resources(value))
    elseif list == "accounts" then
        alert.account(found, value)
    elseif list then
        alert.join(found[list], { value })
    else
        alert.properties(found, { [name] = value })
    end
end

local function read_dimensions(found, context)
    for _, one in ipairs(alert.list(alert.at(context, "condition", "allOf"))) do
        for _, dimension in ipairs(alert.list(alert.get(one, "dimensions"))) do
            local name, value = alert.text(dimension, "name"), alert.text(dimension, "value")
            if name and value then read_dimension(found, name, value) end
        end
    end
end

local function read_context(found, data, context)
    alert.actor(found, context)
    alert.properties(found, alert.get(context, "properties"))
    alert.properties(found, alert.get(data, "customProperties"))
    read_dimensions(found, context)
end

-- The action group's test sends rules "test-..." about a resource group "test-RG". The entry of a
-- sample alert of Defender for Cloud says so itself.
local function is_test(essentials, context, rule, resources)
    local parts = alert.arm(resources[1])
    local is_sample = (rule or ""):lower():find("^test%-") ~= nil
        and (not parts or (parts.group or ""):lower() == "test-rg")
    local properties = alert.opened(alert.get(context, "properties"))
    return is_sample or alert.simulated(rule, alert.text(essentials, "description"), alert.text(context, "description"),
        alert.text(context, "eventName"), alert.text(properties, "alertDisplayName"), alert.text(properties, "description"),
        alert.text(properties, "alertType"))
end

local function from_alert(event)
    local data = alert.get(event, "data")
    local essentials, context = alert.get(data, "essentials"), alert.opened(alert.get(data, "alertContext"))
    local condition = alert.text(essentials, "monitorCondition") or "Fired"
    local rule = alert.text(essentials, "alertRule")
    local found = alert.found()
    found.resources = alert.resources(table.unpack(alert.words(alert.get(essentials, "alertTargetIDs"))))
    read_context(found, data, context)
    local is_security = is_of_security(context)
    if is_security then alert.compromised(found, alert.opened(alert.get(context, "properties"))) end
    local severity = severity_of(found, essentials, context, is_security)
    local entities, resources = alert.settle(found)
    return {
        id = id_of(essentials),
        source = "azure-monitor",
        product = is_security and "defender-for-cloud" or nil,
        keys = is_security and security_keys(context) or nil,
        simulated = is_test(essentials, context, rule, resources),
        type = rule,
        title = alert.text(essentials, "description") or rule,
        severity = severity,
        status = status_of(condition, context),
        time = alert.when(found, essentials, { "firedDateTime", "resolvedDateTime" }),
        subscription = alert.subscription(resources[1], alert.get(essentials, "alertId")),
        resources = resources,
        entities = entities,
        notes = found.notes,
    }
end

local categories = {
    administrative = true, policy = true, autoscale = true, alert = true, recommendation = true, servicehealth = true,
    resourcehealth = true,
}

-- The activity log has texts, or objects with a value and a name for people.
local function word(event, name)
    return alert.text(alert.get(event, name), "value") or alert.text(event, name)
end

local function is_entry(event)
    return categories[(word(event, "category") or ""):lower()] ~= nil and word(event, "operationName") ~= nil
        and alert.text(event, "eventTimestamp", "time") ~= nil and alert.text(event, "resourceId") ~= nil
end

local function from_entry(event)
    local found = alert.found()
    found.resources = alert.resources(alert.text(event, "resourceId"))
    alert.actor(found, event)
    alert.properties(found, alert.get(event, "properties"))
    local operation = word(event, "operationName")
    local level = alert.severity(word(event, "level"))
    if not level then alert.note(found, "the entry has no level that is known: informational") end
    local entities, resources = alert.settle(found)
    return {
        id = alert.text(event, "eventDataId", "correlationId") or alert.refuse("the entry has no eventDataId"),
        source = "azure-monitor",
        type = operation,
        title = alert.text(alert.get(event, "operationName"), "localizedValue") or operation,
        severity = level or "informational",
        time = alert.when(found, event, { "eventTimestamp", "time", "submissionTimestamp" }),
        tenant = alert.text(event, "tenantId"),
        subscription = alert.subscription(resources[1]) or alert.text(event, "subscriptionId"),
        resources = resources,
        entities = entities,
        notes = found.notes,
    }
end

return {
    want = "the common alert schema (schemaId azureMonitorCommonAlertSchema), or an entry of the activity log",
    kin = { "defender-for-cloud", "cloudevents", "event-grid" }, -- the log has Defender's entries too

    is = function(event)
        return (schema_of(event) == COMMON and type(alert.at(event, "data", "essentials")) == "table")
            or is_old(event) or is_classic(event) or is_entry(event)
    end,

    adapt = function(event)
        if is_entry(event) then return from_entry(event) end
        if schema_of(event) ~= COMMON then refuse_old(event) end
        return from_alert(event)
    end,
}
