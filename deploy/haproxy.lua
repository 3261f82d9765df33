-- Asks Portico's /gateway/check whether a call is let through: `http-request lua.portico-check ADDRESS TOKEN`.
-- Needs HAProxy 2.5 or newer (core.httpclient). Addresses and tokens are set in the configuration.
local function first(headers, name)
    local values = headers[name]
    return values and values[0]
end

core.register_action("portico-check", { "http-req" }, function(txn, address, token)
    local sent = txn.http:req_get_headers()
    local asked = {
        ["authorization"] = { "Bearer " .. token },
        ["x-original-uri"] = { txn.f:pathq() },
    }
    for _, name in ipairs({ "x-portico-key", "ocp-apim-subscription-key" }) do
        local key = first(sent, name)
        if key then asked[name] = { key } end
    end
    for name in pairs(sent) do
        -- What the API is told comes from the portal, whatever the client sent; some servers read X_Portico_User as the same header.
        if name:gsub("_", "-"):find("^x%-portico%-") then txn.http:req_del_header(name) end
    end
    local answer = core.httpclient():get({ url = address .. "/gateway/check", headers = asked, timeout = 2000 })
    for _, name in ipairs({ "x-portico-subscription", "x-portico-product", "x-portico-user" }) do
        local told = answer and answer.headers and first(answer.headers, name)
        if told then txn.http:req_set_header(name, told) end
    end
    if answer and answer.status == 204 then
        txn.http:req_del_header("ocp-apim-subscription-key")
        return
    end
    local status = answer and answer.status
    local reason = answer and answer.headers and first(answer.headers, "x-portico-reason")
    local reply = txn:reply()
    if (status == 401 or status == 403) and not (reason or ""):find("-token$") then
        reply:set_status(status)
        if reason then reply:add_header("X-Portico-Reason", reason) end
    else
        -- The portal cannot be reached, or does not know the gateway: no fault of the caller.
        reply:set_status(503)
    end
    txn:done(reply)
end, 2)
