# Certificates and kubeconfigs of one instance ($home). Elliptic curves, because making RSA keys would be the slowest part of a
# start. Sourced, never run.

make_authority() {
	mkdir -p "$home/pki"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj /CN=postcheck-test \
		-keyout "$home/pki/ca.key" -out "$home/pki/ca.crt" 2>/dev/null
	openssl ecparam -name prime256v1 -genkey -noout -out "$home/pki/service-account.key"
	openssl ec -in "$home/pki/service-account.key" -pubout -out "$home/pki/service-account.pub" 2>/dev/null
}

# Takes a file name, a subject (the user and group that Kubernetes sees) and, for servers, their alternative names.
make_certificate() {
	local file=$home/pki/$1 subject=$2 names=${3:-}
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "$subject" -keyout "$file.key" -out "$file.csr" 2>/dev/null
	openssl x509 -req -in "$file.csr" -CA "$home/pki/ca.crt" -CAkey "$home/pki/ca.key" -days 365 -out "$file.crt" \
		-set_serial "0x$(openssl rand -hex 8)" \
		-extfile <(printf 'extendedKeyUsage=serverAuth,clientAuth\n%s' "${names:+subjectAltName=$names}") 2>/dev/null
	rm "$file.csr"
}

# Writes a kubeconfig that carries its certificates. Takes the target file, the certificate's file name and the server's URL.
write_kubeconfig() {
	local file=$1 certificate=$home/pki/$2 server=$3
	(umask 077 && cat >"$file") <<-END
		apiVersion: v1
		kind: Config
		clusters:
		- name: postcheck
		  cluster: {server: "$server", certificate-authority-data: $(base64 -w0 "$home/pki/ca.crt")}
		users:
		- name: postcheck
		  user: {client-certificate-data: $(base64 -w0 "$certificate.crt"), client-key-data: $(base64 -w0 "$certificate.key")}
		contexts:
		- name: postcheck
		  context: {cluster: postcheck, user: postcheck}
		current-context: postcheck
	END
}
