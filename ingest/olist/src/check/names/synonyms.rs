//! Names that order systems commonly use for the columns, without case, blanks and punctuation; the
//! likeliest first.

/// Olist's column → words for it, with blanks between.
pub(super) const SYNONYMS: [(&str, &str); 12] = [
    (
        "order_id",
        "orderno ordernumber ordernr ordernum orderref orderreference order salesorder \
         salesorderno purchaseorder ponumber shipmentid shipmentno shipmentnumber shipment \
         pedido numeropedido idpedido",
    ),
    (
        "customer_id",
        "customerno customernumber customercode customer clientid clientno client buyerid \
         buyer consigneeid consignee recipientid recipient shiptoid accountid account cliente \
         idcliente",
    ),
    ("order_status", "status orderstate shipmentstatus"),
    (
        "order_purchase_timestamp",
        "purchasetimestamp purchasedat purchasedate purchasetime boughtat bought orderedat \
         orderdate orderdatetime ordertime ordertimestamp dateordered ordered placedat \
         orderplaced orderplacedat ordercreatedat ordercreated createdat created creationdate \
         orderreceived datacompra datadacompra fechapedido fechacompra",
    ),
    (
        "order_approved_at",
        "approvedat approved approvaldate approvaltime approvedon paidat paid paymentdate \
         paymentapproved confirmedat confirmed releasedat released releasedate",
    ),
    (
        "order_delivered_carrier_date",
        "shippedat shippedon shipped shipdate shippeddate shippingdate dispatchedat \
         dispatched dispatchdate despatchedat despatchdate pickedupat pickedup pickupdate \
         collectedat collected carrierpickup carrierdate handedtocarrier handover \
         handoverdate",
    ),
    (
        "order_delivered_customer_date",
        "deliveredat deliveredon delivered delivereddate deliverydate deliverytime \
         actualdelivery actualdeliverydate podtime poddate arrivedat arrivaldate",
    ),
    (
        "order_estimated_delivery_date",
        "estimateddelivery estimateddeliverydate estimateddeliveryat promisedat promiseddate \
         promiseddelivery promisedfor promisedby promised promisedate expecteddelivery \
         expecteddeliverydate expectedat deliverby deliverydue duedate due eta edd \
         requesteddelivery requesteddeliverydate",
    ),
    (
        "order_item_id",
        "itemno itemnumber lineno linenumber line lineid orderline orderlineno position pos \
         itemsequence sequence seq",
    ),
    (
        "seller_id",
        "sellerno sellercode seller vendorid vendorno vendor merchantid merchant supplierid \
         supplierno supplier warehouseid warehouseno warehousecode warehouse \
         fulfillmentcenter shipperid shipper",
    ),
    (
        "customer_state",
        "customerregion customerprovince shiptostate shiptoregion shiptoprovince \
         deliverystate deliveryregion deliveryprovince destinationstate destinationregion \
         destinationprovince tostate toregion buyerstate recipientstate consigneestate \
         destination state region province uf",
    ),
    (
        "seller_state",
        "sellerregion sellerprovince vendorstate merchantstate supplierstate warehousestate \
         warehouseregion warehouseprovince shipfromstate shipfromregion shipfromprovince \
         originstate originregion originprovince fromstate fromregion origin state region \
         province uf",
    ),
];
