-- SPDX-License-Identifier: Apache-2.0
--
-- Microsoft Defender for Cloud, in the ways in which it says the same: the event of continuous
-- export and workflow automation, the ARM resource (its members in "properties") of the API's
-- newer and older versions, a row of the table SecurityAlert, Sentinel's entity of kind
-- SecurityAlert, and the entry in the activity log. Recommendations and scores are no alerts.

-- The spellings of each member, the more telling first. Names are read in any letter case.
local names = {
    id = { "SystemAlertId" },
    other_id = { "InstanceId", "ProviderAlertId", "VendorOriginalId" },
    type = { "AlertType", "AlertName" },
    title = { "AlertDisplayName", "DisplayName", "AlertName", "AlertType" },
    severity = { "Severity", "ReportedSeverity", "AlertSeverity" },
    status = { "Status", "State" },
    time = { "TimeGenerated", "TimeGeneratedUtc", "DetectedTimeUtc", "ReportedTimeUtc", "StartTimeUtc", "StartTime",
        "ProcessingEndTime", "ProcessingEndTimeUtc", "EndTimeUtc", "EndTime" },
    tenant = { "TenantId", "AadTenantId" },
    link = { "AlertUri", "AlertLink" },
    resource = { "AzureResourceId", "AssociatedResource", "ResourceId", "_ResourceId", "CompromisedEntity" },
    tactics = { "Intent", "Tactics" },
    properties = { "ExtendedProperties", "AdditionalData" },
}

-- -- Which of them it is ----------------------------------------------------------------------

-- Members that stand together in nothing but an alert of one of the spellings.
local signs = {
    { "SystemAlertId" },
    { "AlertType", "AlertDisplayName" },
    { "AlertDisplayName", "ReportedSeverity" },
    { "AlertName", "ReportedSeverity" },
    { "AlertName", "AlertSeverity" },
    { "DisplayName", "AlertSeverity" },
}

local function kind_of(event)
    return (alert.text(event, "type") or ""):lower()
end

local function has_all(event, members)
    for _, name in ipairs(members) do
        if type(alert.get(event, name)) ~= "string" then return false end
    end
    return true
end

-- A row of the table: its Type is the table's name, its TenantId that of the workspace.
local function is_row(event)
    return kind_of(event) == "securityalert" or alert.text(event, "AlertSeverity") ~= nil
        or (alert.text(event, "SourceSystem") ~= nil and alert.text(event, "SystemAlertId") ~= nil)
end

local function is_event(event)
    if kind_of(event) == "securityalert" then return true end
    for _, sign in ipairs(signs) do
        if has_all(event, sign) then return true end
    end
    return false
end

-- Sentinel's entity of an alert, which has the members of the resource.
local function is_entity(event)
    local kind = (alert.text(event, "kind") or ""):lower()
    return kind_of(event) == "microsoft.securityinsights/entities" and kind == "securityalert"
end

-- Others too put an alert's names into "properties"; their type says who they are. What says
-- that it is one of ours is ours, so that one that cannot be read is refused.
local function is_resource(event)
    if type(alert.get(event, "properties")) ~= "table" then return false end
    return kind_of(event):find("^microsoft%.security/.*alerts$") ~= nil
        or (kind_of(event) == "" and is_event(alert.get(event, "properties")))
end

-- The activity log has texts, or objects with a value and a name for people.
local function word(event, name)
    local value = alert.get(event, name)
    return alert.text(value, "value", "localizedValue") or alert.text(event, name)
end

local function is_activity(event)
    return (word(event, "category") or ""):lower() == "security"
        and (word(event, "operationName") or ""):lower():find("^microsoft%.security/.*alerts/") ~= nil
end

-- Advice and scores: nobody is attacked, and there is nothing to contain.
local posture = {
    "^microsoft%.security/assessments$", "^microsoft%.security/.*subassessments$", "^microsoft%.security/securescores",
    "^microsoft%.security/regulatorycompliance", "^microsoft%.security/attackpaths$", "^securityrecommendation$",
    "^securitynestedrecommendation$", "^securescore", "^securityregulatorycompliance$",
}

local function is_posture(event)
    for _, pattern in ipairs(posture) do
        if kind_of(event):find(pattern) then return true end
    end
    return false
end

-- -- What it says -----------------------------------------------------------------------------

-- Sentinel keeps the alerts of all products in one table.
local function source_of(event, is_sentinels)
    local product = alert.product(alert.text(event, "ProductName"))
    local is_named = alert.text(event, "ProductName") ~= nil
    return (is_sentinels and is_named and product ~= "defender-for-cloud") and "sentinel" or "defender-for-cloud", product
end

local function id_of(event, document)
    local name = document ~= event and alert.text(document, "name")
    local path = (alert.text(document, "id") or ""):match("/[aA][lL][eE][rR][tT][sS]/([^/]+)$")
    return alert.named(event, names.id) or name or path or alert.named(event, names.other_id)
        or alert.refuse("the Defender for Cloud alert has no SystemAlertId")
end

-- What the identifiers name: resources, and whose they are.
local function identified(found, event)
    found.tenants = {}
    for _, one in ipairs(alert.list(alert.opened(alert.get(event, "ResourceIdentifiers")))) do
        local ids = alert.resources(alert.get(one, "AzureResourceId"), alert.get(one, "ResourceId"))
        local tenant = alert.text(one, "AzureResourceTenantId")
        for _, id in ipairs(tenant and ids or {}) do found.tenants[id:lower()] = tenant end
        alert.join(found.resources, ids)
        found.tenant = found.tenant or tenant
        found.directory = found.directory or alert.text(one, "AadTenantId")
        found.subscription = found.subscription or alert.text(one, "WorkspaceSubscriptionId")
    end
end

-- The attacked thing's own, else that of another resource or of the directory.
local function tenant_of(found, resources)
    return resources[1] and found.tenants[resources[1]:lower()] or found.tenant or found.directory
end

-- Where the attacked thing is says more than where the workspace is.
local function subscription(found, event, document, resources)
    return alert.subscription(resources[1])
        or (not resources[1] and alert.text(event, "AzureResourceSubscriptionId"))
        or found.subscription
        or (not is_row(event) and alert.text(event, "WorkspaceSubscriptionId"))
        or alert.text(document, "subscriptionId")
        or alert.subscription(alert.get(document, "id"))
end

local function attacked(event)
    local resources = {}
    for _, name in ipairs(names.resource) do
        alert.join(resources, alert.resources(alert.get(event, name)))
    end
    return resources
end

local function mark_attacked(found)
    for _, id in ipairs(found.resources) do found.attacked[id:lower()] = true end
end

-- What says that nobody attacks: a judgement, wherever the spelling has it.
local function judgements(event)
    local words = {}
    for _, name in ipairs({ "Classification", "ClassificationReason", "Determination", "Feedback" }) do
        alert.join(words, { alert.text(event, name) })
    end
    return words
end

-- The other ids of the same alert: of the product, where a workspace gave it one of its own.
local function other_ids(event, document)
    local ids = {}
    for _, name in ipairs(names.other_id) do alert.join(ids, { alert.text(event, name) }) end
    local path = (alert.text(document, "id") or ""):match("/[aA][lL][eE][rR][tT][sS]/([^/]+)$")
    return alert.join(ids, { path })
end

-- A sample alert of the portal, or of the simulate API.
local function is_simulated(event)
    return alert.simulated(alert.text(event, "AlertDisplayName"), alert.text(event, "DisplayName"),
        alert.text(event, "AlertName"), alert.text(event, "AlertType"), alert.text(event, "Description"),
        alert.text(event, "ProviderName"), alert.text(event, "VendorName"))
        or alert.has_simulator(alert.get(event, "Entities"))
        or alert.has_simulator(alert.get(event, "ExtendedProperties"))
end

-- What all but the activity log have in common; event is where the members are.
local function from_event(event, document)
    local found = alert.found()
    local is_sentinels = is_entity(document) or is_row(event)
    found.resources = attacked(event)
    mark_attacked(found)
    identified(found, event)
    alert.collect(found, alert.get(event, "Entities"), document)
    for _, name in ipairs(names.properties) do alert.properties(found, alert.get(event, name)) end
    alert.compromised(found, event)
    local id = id_of(event, document)
    local entities, resources = alert.settle(found)
    local source, product = source_of(event, is_sentinels)
    product = product or (source == "defender-for-cloud" and source or nil)
    local status, over = alert.state(alert.named(event, names.status), table.unpack(judgements(event)))
    return {
        id = id,
        source = source,
        product = product,
        keys = alert.keys(product or source, id, table.unpack(other_ids(event, document))),
        over = over,
        simulated = is_simulated(event),
        type = alert.named(event, names.type),
        title = alert.named(event, names.title),
        severity = alert.graded("the Defender for Cloud alert", event, names.severity),
        confidence = alert.confidence(alert.get(event, "ConfidenceLevel"), alert.get(event, "ConfidenceScore")),
        status = status,
        time = alert.when(found, event, names.time),
        tenant = tenant_of(found, resources) or (not is_row(event) and alert.named(event, names.tenant)) or nil,
        subscription = subscription(found, event, document, resources),
        link = alert.named(event, names.link),
        resources = resources,
        entities = entities,
        tactics = alert.tactics(alert.get(event, table.unpack(names.tactics)), true),
        techniques = alert.techniques(alert.get(event, "Techniques"), alert.get(event, "SubTechniques")),
        children = alert.others(found.children, id),
        notes = found.notes,
    }
end

-- The alert's own id stands at the end of the resource's; the entry's is that of its operation.
local function activity_id(event)
    local resource = alert.text(event, "resourceId") or alert.text(event, "id") or ""
    return resource:match("/[aA][lL][eE][rR][tT][sS]/([^/]+)") or alert.text(event, "correlationId", "eventDataId")
        or alert.refuse("the activity log entry has no resourceId and no correlationId")
end

-- The operation tells that somebody ended the alert, where the status is that of the entry.
local function activity_status(event)
    local done = (word(event, "operationName") or ""):lower():match("/alerts/(%a+)/action$")
    local ends = { dismiss = "dismissed", resolve = "resolved" }
    return ends[done] or word(event, "status")
end

-- The activity log tells the alert's name and severity, and no type: its name is the nearest to
-- one that a playbook can be matched by.
local function from_activity(event)
    local outer = alert.opened(alert.get(event, "properties"))
    local inner = alert.opened(alert.get(outer, "eventProperties"))
    local properties = type(inner) == "table" and inner or outer
    local found = alert.found()
    local name = word(event, "eventName") or alert.text(outer, "eventName") or alert.text(properties, "alertDisplayName")
    found.resources = attacked(properties)
    mark_attacked(found)
    alert.collect(found, alert.get(properties, "entities"))
    alert.properties(found, properties)
    alert.actor(found, properties)
    alert.compromised(found, properties)
    local entities, resources = alert.settle(found)
    local id = activity_id(event)
    local status, over = alert.state(activity_status(event), table.unpack(judgements(properties)))
    return {
        id = id,
        source = "defender-for-cloud",
        product = "defender-for-cloud",
        keys = alert.keys("defender-for-cloud", id, alert.text(properties, "systemAlertId"),
            alert.text(properties, "providerAlertId")),
        over = over,
        simulated = alert.simulated(name) or is_simulated(properties),
        type = alert.text(properties, "alertType") or name,
        title = name,
        severity = alert.graded("the Defender for Cloud alert", properties, names.severity),
        status = status,
        time = alert.when(found, event, { "eventTimestamp", "submissionTimestamp", "time" }),
        tenant = alert.text(event, "tenantId"),
        subscription = subscription(found, properties, event, resources) or alert.subscription(alert.text(event, "resourceId")),
        resources = resources,
        entities = entities,
        tactics = alert.tactics(alert.get(properties, "intent"), true),
        techniques = alert.techniques(alert.get(properties, "techniques")),
        notes = found.notes,
    }
end

return {
    want = "the event with AlertType and SystemAlertId, the ARM resource with these in"
        .. " properties, a row of SecurityAlert, or the activity log entry of category Security",
    kin = { "sentinel", "graph", "cloudevents", "event-grid" },

    is = function(event)
        return is_event(event) or is_resource(event) or is_entity(event) or is_activity(event) or is_posture(event)
    end,

    adapt = function(event)
        if is_posture(event) then return nil end
        if is_activity(event) then return from_activity(event) end
        return from_event(is_event(event) and event or alert.get(event, "properties"), event)
    end,
}
